"""Downloads of files: resumed, verified and pinned before a file gets its final name.

While a file `x` is being fetched, `x.part` (the bytes so far), `x.part.json` (the remote file that they
belong to) and `x.lock` are next to it; when it is complete, `x.json` (a `FetchRecord`) is.
"""

import logging
import os
import re
import time
from datetime import UTC, datetime
from pathlib import Path

from ..errors import InputError
from ..files import file_checksum, write_json
from .data_file import DataFile, Kind, is_url
from .file_format import check_content
from .file_lock import file_lock
from .records import Checksum, FetchRecord, read_record, record_path
from .resume import Expected, PartialDownload, download
from .retry import Patience
from .web import Web

log = logging.getLogger(__name__)

DOWNLOAD_FOLDER = re.compile("[0-9a-f]{12}")  # the first part of `DataFile.key`


def fetch(
    url: str,
    target: Path,
    md5: str | None = None,
    *,
    sha256: str | None = None,
    size: int | None = None,
    kind: Kind | None = None,
    verify: bool = False,
    patience: Patience | None = None,
) -> FetchRecord:
    """Download `url` to `target`, which appears only when it is complete and verified.

    An existing file with a matching record is not fetched again. A download that was interrupted, by the
    network or by the end of the process, resumes where it stopped if the server still has the same file.
    Without a checksum, the first fetch is pinned: a later fetch of the same URL must give the same bytes.
    Expectations given here override a record.

    Parameters
    ----------
    md5, sha256
        Expected digests in hexadecimal, as published.
    size
        Expected number of bytes.
    kind
        What type the file must have: see `check_content`.
    verify
        Read an existing file in full, and fetch it again if its MD5 differs from its record.
    patience
        How long to wait for the server; after 1 MiB of progress, failures are counted from the start again.

    Returns
    -------
    FetchRecord
        The record as written to `{target}.json`.

    Raises
    ------
    InputError
        If the server refuses, does not respond or sends something else, the disk has too little space,
        or a record cannot be read.
    """
    target = Path(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    given = Expected(size=size, md5=md5 and md5.lower(), sha256=sha256 and sha256.lower())
    patience = patience or Patience()
    with file_lock(target):
        record = read_record(target)
        pinned = record is not None and record.url == url and given.agrees_with(record)
        if pinned and _is_intact(target, record, verify):
            log.info("%s already exists, fetched on %s", target, record.fetched)
            return record
        if record is not None and not pinned:
            log.warning("%s does not match the file expected from %s: it will be replaced", record_path(target), url)
        expected = given.and_pinned(record, record_path(target)) if pinned else given
        part = PartialDownload(target, url)
        began, present = time.monotonic(), part.size
        with patience.session() as session:
            download(session, part, expected, patience)
        with part.deleted_if_wrong():
            expected.check(part)
            if kind is not None:
                check_content(part.path, kind, name=url)
        published = given.has_digest or (pinned and record.checksum is Checksum.PUBLISHED)
        record = FetchRecord(
            url=url,
            size=part.size,
            md5=part.md5.hexdigest(),
            sha256=part.sha256.hexdigest(),
            etag=part.origin.etag,
            fetched=datetime.now(UTC).isoformat(timespec="seconds"),
            checksum=Checksum.PUBLISHED if published else Checksum.PINNED,
        )
        part.path.replace(target)
        write_json(record_path(target), record)
        part.origin_path.unlink()
    speed = (record.size - present) / max(time.monotonic() - began, 1e-3) / 1e6
    log.info("fetched %s (%s bytes, %.1f MB/s)", url, f"{record.size:,}", speed)
    return record


def fetch_and_link(file: DataFile, downloads: Path, link: Path) -> FetchRecord:
    """Fetch a file into the shared downloads and link to it from a run's own folder.

    The link belongs to the run: if Snakemake deletes it, the file and its record stay. If `downloads`
    is relative, so is the link, so that a project keeps its files when it is moved as a whole. The published
    list is read only if the file does not already exist with a published MD5.

    Raises
    ------
    InputError
        See `fetch`.
    """
    target = downloads / file.key
    md5 = file.md5
    if md5 and is_url(md5):
        record = read_record(target)
        if record and record.url == file.location and record.checksum is Checksum.PUBLISHED and target.is_file():
            md5 = record.md5
        else:
            with Web() as web:
                md5 = published_md5(web.text(md5), target.name, md5)
    record = fetch(file.location, target, md5, size=file.size, kind=file.kind)
    link.parent.mkdir(parents=True, exist_ok=True)
    link.unlink(missing_ok=True)
    place = target.resolve()
    link.symlink_to(place if downloads.is_absolute() else os.path.relpath(place, link.parent.resolve()))
    return record


def size_and_md5(path: Path) -> tuple[int, str]:
    """Size and MD5 of a file: from its record if it is a run's link to a download, else from its bytes."""
    linked = path.is_symlink() and DOWNLOAD_FOLDER.fullmatch(path.parent.name)
    record = read_record(path.resolve()) if linked else None
    return (record.size, record.md5) if record else (path.stat().st_size, file_md5(path))


def published_md5(listing: str, name: str, where: object = "MD5 listing") -> str:
    """MD5 of a file in an `md5sum.txt` or `MD5SUMS`: lines of `md5  name`, `md5 *name` or `md5 ./name`.

    Parameters
    ----------
    where
        Name of the listing, for errors.

    Raises
    ------
    InputError
        If the listing does not have the file, or has two MD5s for it.
    """
    lines = re.findall(r"^([0-9a-fA-F]{32})[ \t]+\*?(?:\./)?(\S.*?)[ \t\r]*$", listing, flags=re.MULTILINE)
    found = sorted({md5.lower() for md5, listed in lines if listed == name})
    if len(found) != 1:
        raise InputError(where, " and ".join(found) or f"{len(lines)} other files", f"one MD5 for {name}")
    return found[0]


def verify_md5(path: Path, md5: str | None, name: object = None) -> None:
    """Raise `InputError` unless the file has this MD5; with None, any file will do."""
    if md5 is None:
        return
    found = file_md5(path)
    if found != md5.lower():
        raise InputError(name or path, f"MD5 {found}", f"MD5 {md5.lower()}")


def file_md5(path: Path) -> str:
    """MD5 of a file, in hexadecimal."""
    return file_checksum(Path(path), "md5")


def _is_intact(target: Path, record: FetchRecord, verify: bool) -> bool:
    """Whether the file exists and matches its record."""
    if not target.exists():
        return False
    size = target.stat().st_size
    if size != record.size:
        log.warning(
            "%s has %s bytes, not %s as in its record: fetching it again", target, f"{size:,}", f"{record.size:,}"
        )
        return False
    if verify and (md5 := file_md5(target)) != record.md5:
        log.warning("%s has MD5 %s, not %s as in its record: fetching it again", target, md5, record.md5)
        return False
    return True
