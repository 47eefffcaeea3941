"""Paths and URLs as a user writes them: which cannot be used, and which are one place under two spellings."""

import posixpath
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from .errors import InputError
from .remote import is_url

CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")  # control characters, and Unicode's ends of lines
DEFAULT_PORTS = (None, 80, 443)


def check_location(where: object, location: str) -> None:
    """Check that Snakemake and the file system can take a path or URL as it is written.

    Parameters
    ----------
    where
        What the error line calls the place that names it.

    Raises
    ------
    InputError
        If it holds a control character or a brace, or is a URL that cannot be read.
    """
    if CONTROL.search(location):
        raise InputError(where, repr(location), "a path or URL without control characters")
    if re.search("[{}]", location):
        expected = "%7B and %7D for its braces" if is_url(location) else "a path without braces"
        raise InputError(where, repr(location), f"{expected}, as Snakemake takes them for wildcards")
    if is_url(location):
        try:
            host = urlsplit(location).hostname if urlsplit(location).port != 0 else None
        except ValueError:  # a port that is no number, half an IPv6 address
            host = None
        if not host:
            raise InputError(where, repr(location), "a URL such as https://example.org/a.bw")


def check_locations(config: Mapping[str, Any], where: object) -> None:
    """Check every path and URL of a configuration, as `check_location` does.

    Parameters
    ----------
    config
        A configuration with its defaults filled in.
    """
    for key, location in _locations(config):
        if isinstance(location, str):
            check_location(f"{where}, {key}", location)


def _locations(config: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for key in ("results", "downloads", "blacklist", "samples", "cell_types"):
        yield key, config[key]
    for group, keys in (("genome", ("fasta", "md5")), ("annotation", ("gtf", "md5"))):
        yield from ((f"{group}.{key}", config[group][key]) for key in keys)
    yield from ((f"sources.{key}", location) for key, location in config["sources"].items())
    for name, model in config["models"].items():
        yield from ((f"models.{name}.{key}", model[key]) for key in ("backbone", "init_from"))


def one_spelling(location: str) -> str:
    """A spelling that the spellings of one place share, to compare by and not to open.

    Of a path, it is absolute and without `.` and `//`; links, and `..` that may follow one, are left as they are.
    Of a URL, nothing counts that makes no difference to a server of files: http or https, user, default port, upper
    case in the host, fragment, order of the query, `.` and `..` and `//` in the path, and which characters are encoded.

    Examples
    --------
    >>> one_spelling("HTTPS://Example.org:443/a%2Dc/./b.bw?".replace("HTTPS", "https"))
    'example.org/a-c/b.bw'
    """
    if not is_url(location):
        return str(Path.cwd() / location)
    parts = urlsplit(location)
    host = (parts.hostname or "").rstrip(".")
    port = "" if parts.port in DEFAULT_PORTS else f":{parts.port}"
    path = posixpath.normpath("/".join(quote(unquote(name), safe="") for name in f"/{parts.path}".split("/")))
    query = urlencode(sorted(parse_qsl(parts.query, keep_blank_values=True)))
    return f"{host}{port}/{path.lstrip('/')}{'?' if query else ''}{query}"
