"""Paths and URLs as users write them: which cannot be used, and which are two spellings of one place."""

import os
import posixpath
import re
from pathlib import Path
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from ..errors import InputError
from .data_file import is_url

CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")  # control characters and Unicode line breaks
MARKUP = re.compile(r"</|<!--")  # it would end or break a script in the HTML that Snakemake writes it to
PATH_VARIABLE = re.compile(r"<[a-z][a-z0-9_]*>")
SHELL_VARIABLE = re.compile(r"\$[A-Za-z_]")
DEFAULT_PORTS = (None, 80, 443)


def check_location(where: object, location: str) -> None:
    """Check that Snakemake and the file system accept a path, a URL or other text as it is written.

    Parameters
    ----------
    where
        Where the text is given, for errors.

    Raises
    ------
    InputError
        If it holds a control character, a brace, `<name>`, `</` or `<!--`, or is a URL that cannot be read.
    """
    if CONTROL.search(location):
        raise InputError(where, repr(location), "no control characters")
    if found := MARKUP.search(location):
        raise InputError(where, repr(location), f"no {found[0]}, which could end a script in a page")
    if re.search("[{}]", location):
        expected = "%7B and %7D for its braces" if is_url(location) else "no braces"
        raise InputError(where, repr(location), f"{expected}, as Snakemake reads them as wildcards")
    if found := PATH_VARIABLE.search(location):
        raise InputError(where, repr(location), f"no {found[0]}, as Snakemake reads it as a path variable")
    if is_url(location):
        try:
            host = urlsplit(location).hostname if urlsplit(location).port != 0 else None
        except ValueError:  # a port that is not a number, an incomplete IPv6 address
            host = None
        if not host:
            raise InputError(where, repr(location), "a URL such as https://example.org/a.bw")


def normal_path(where: object, location: str) -> str:
    """Normalise a path, so that Snakemake keeps its records under one spelling; a URL is returned unchanged.

    `~` is expanded, `.`, `..`, repeated and trailing slashes are removed, and a path below the working
    directory becomes relative to it. Symbolic links are resolved up to the last `..`, which may follow one;
    a relative path that leaves the working directory stays relative, because both may be moved together.

    Parameters
    ----------
    where
        Where the path is given, for errors.

    Raises
    ------
    InputError
        If the home folder that `~` stands for is unknown.
    """
    if "://" in location:
        return location
    try:
        path = Path(location).expanduser()
    except RuntimeError as error:
        raise InputError(where, f"{location!r}, an unknown home folder", "a path") from error
    is_relative = not path.is_absolute()
    climbed = max((number for number, part in enumerate(path.parts, 1) if part == ".."), default=0)
    if climbed:
        path = Path(os.path.realpath(Path(*path.parts[:climbed])), *path.parts[climbed:])
    if path.is_absolute():
        for above in (path, *path.parents):
            if above.exists() and above.samefile(Path.cwd()):
                return str(path.relative_to(above))
    if climbed and is_relative:
        return os.path.relpath(path, Path.cwd())
    return str(path)


def one_spelling(location: str) -> str:
    """A key that all spellings of one place share, for comparison and not for opening.

    A path becomes absolute, without `.`, `//` and leading `..`; links, and any `..` that may follow one, are kept.
    For a URL, it ignores what makes no difference to a file server: http or https, user, default port, upper case in
    the host, fragment, order of the query, `.`, `..` and `//` in the path, and which characters are percent-encoded.

    Examples
    --------
    >>> one_spelling("https://Example.org:443/a%2Dc/./b.bw?")
    'example.org/a-c/b.bw'
    """
    if not is_url(location):
        base, names = Path.cwd(), Path(location).parts
        while names[:1] == ("..",):
            base, names = base.parent, names[1:]
        return str(Path(base, *names))
    parts = urlsplit(location)
    host = (parts.hostname or "").rstrip(".")
    port = "" if parts.port in DEFAULT_PORTS else f":{parts.port}"
    path = posixpath.normpath("/".join(quote(unquote(name), safe="") for name in f"/{parts.path}".split("/")))
    query = urlencode(sorted(parse_qsl(parts.query, keep_blank_values=True)))
    return f"{host}{port}/{path.lstrip('/')}{'?' if query else ''}{query}"


def without_links(folder: str) -> str:
    """An output folder with symbolic links resolved, so that it has only one spelling.

    Links that lead out of the working directory are kept: such a folder was moved to another disk and keeps its name.
    """
    place = normal_path("", os.path.realpath(folder))
    return folder if Path(place).is_absolute() and ".." not in Path(folder).parts else place
