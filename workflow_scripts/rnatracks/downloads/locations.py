"""Paths and URLs as a user writes them: which cannot be used, and which are one place under two spellings."""

import base64
import os
import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from ..errors import InputError
from .data_file import is_url

CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")  # control characters, and Unicode's ends of lines
MARKUP = re.compile(r"</|<!--")  # what ends or breaks the script of a page into which Snakemake writes it
PATH_VARIABLE = re.compile(r"<[a-z][a-z0-9_]*>")
SHELL_VARIABLE = re.compile(r"\$[A-Za-z_]")
DEFAULT_PORTS = (None, 80, 443)


def check_location(where: object, location: str) -> None:
    """Check that Snakemake and the file system can take a path or URL, or other text, as it is written.

    Parameters
    ----------
    where
        What the error line calls the place that names it.

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
        raise InputError(where, repr(location), f"{expected}, as Snakemake takes them for wildcards")
    if found := PATH_VARIABLE.search(location):
        raise InputError(where, repr(location), f"no {found[0]}, as Snakemake takes it for a path variable")
    if is_url(location):
        try:
            host = urlsplit(location).hostname if urlsplit(location).port != 0 else None
        except ValueError:  # a port that is no number, half an IPv6 address
            host = None
        if not host:
            raise InputError(where, repr(location), "a URL such as https://example.org/a.bw")


def check_texts(config: Mapping[str, Any], where: object) -> None:
    """Check every text of a configuration, be it a path or not, as `check_location` does, and every key."""
    for key, text in _texts(config):
        check_location(f"{where}, {key}", text)


def _texts(value: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """Texts in a value of a configuration, each with the dotted key under which it stands."""
    match value:
        case str():
            yield key, value
        case Mapping():
            for name, inner in value.items():
                yield key or name, name
                yield from _texts(inner, f"{key}.{name}" if key else name)
        case Sequence():
            for inner in value:
                yield from _texts(inner, key)


def normal_path(where: object, location: str) -> str:
    """The one spelling of a path under which Snakemake keeps its records; a URL stays as it is.

    `~` is expanded, `.`, `..`, repeated and last slashes are taken out, and a path below the working
    directory becomes relative to it. Links are followed as far as the last `..`, since it may follow one;
    a relative path that leaves the working directory stays relative, as both may be moved together.

    Parameters
    ----------
    where
        What the error line calls the place that names it.

    Raises
    ------
    InputError
        If `~` stands for a home that is not known.
    """
    if "://" in location:
        return location
    try:
        path = Path(location).expanduser()
    except RuntimeError as error:
        raise InputError(where, f"{location!r}, a home folder that is not known", "a path") from error
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


def normalise_paths(config: dict[str, Any], where: object) -> None:
    """Give each path of a configuration its `normal_path`: for Snakemake, `results/` and `results` are two folders.

    Of the folders that the workflow writes to, links within the working directory are followed, too, as they would
    be a second spelling.

    Raises
    ------
    InputError
        If `results` or `downloads` is no folder that the workflow could have for itself, or if downloads would be
        where the run's links to them go.
    """
    fields = [(config, key, key) for key in ("results", "downloads", "samples", "cell_types", "blacklist")]
    fields += [(config["genome"], "fasta", "genome.fasta"), (config["annotation"], "gtf", "annotation.gtf")]
    for section, key, name in fields:
        if section[key] is not None:
            section[key] = normal_path(f"{where}, {name}", section[key])
    for key in ("results", "downloads"):
        folder = Path(config[key])
        there = next(above for above in (folder, *folder.parents) if os.path.lexists(above))
        if folder in (Path(), Path("/")) or "://" in config[key] or not there.is_dir():
            raise InputError(f"{where}, {key}", repr(config[key]), "a folder of its own")
        if SHELL_VARIABLE.search(config[key]) and not folder.is_dir():
            raise InputError(f"{where}, {key}", repr(config[key]), "a path without variables, as no shell reads it")
        # Without links, unless they lead away: such a folder was moved to another disk, and is called what it was.
        place = Path(normal_path(f"{where}, {key}", os.path.realpath(folder)))
        if place == Path():
            raise InputError(f"{where}, {key}", f"{str(folder)!r}, the working directory", "a folder of its own")
        leads_away = place.is_absolute() and ".." not in folder.parts
        # The files of a simulation are named below `results` as it is written.
        if not leads_away and not (key == "results" and config["simulate"]):
            config[key] = str(place)
    links = Path(config["results"], "downloads")
    if Path(config["downloads"]).resolve() == links.resolve():
        found = f"{config['downloads']!r}, where the run's links to its downloads go"
        raise InputError(f"{where}, downloads", found, "another folder")
    for name, settings in config["models"].items():
        for key in ("backbone", "init_from"):
            if isinstance(settings[key], str):
                path = normal_path(f"{where}, models.{name}.{key}", settings[key])
                # Other texts are ids of a hub, or names of models; `./NAME` remains a folder.
                if Path(path).is_dir() or settings[key].startswith("~"):
                    bare = "/" in settings[key] and "/" not in path
                    settings[key] = f"./{path}" if bare else path


def is_recorded(made: str) -> bool:
    """Whether Snakemake's records in the working directory know a file under this spelling, or it is not there."""
    records, name = Path(".snakemake/metadata"), base64.urlsafe_b64encode(made.encode()).decode()
    longest = 254  # longer names are cut into folders
    parts = [name[start : start + longest] for start in range(0, len(name), longest)]
    record = records.joinpath(*(f"@{part}" for part in parts[:-1]), parts[-1])
    # With Snakemake's other kind of records, in a database, that is not known.
    return not Path(made).exists() or Path(".snakemake/metadata.db").exists() or record.exists()


def one_spelling(location: str) -> str:
    """A spelling that the spellings of one place share, to compare by and not to open.

    Of a path, it is absolute and without `.`, `//` and leading `..`; links, and `..` that may follow one, are left.
    Of a URL, nothing counts that makes no difference to a server of files: http or https, user, default port, upper
    case in the host, fragment, order of the query, `.` and `..` and `//` in the path, and which characters are encoded.

    Examples
    --------
    >>> one_spelling("HTTPS://Example.org:443/a%2Dc/./b.bw?".replace("HTTPS", "https"))
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
