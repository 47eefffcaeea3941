"""Files from the network: resumed, verified, pinned, and only then given their name.

Beside a file `x` stand, while it is on its way, `x.part` (the bytes so far), `x.part.json` (what they are
the beginning of) and `x.lock`; and, once it has arrived, `x.json` (a `FetchRecord`).
"""

import fcntl
import hashlib
import json
import logging
import os
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO, Self

import requests
from tqdm import tqdm
from urllib3.exceptions import HTTPError, InvalidHeader, MaxRetryError
from urllib3.util import Retry

from .config import is_url
from .content import check_content
from .errors import InputError
from .files import write_json
from .remote import DataFile, Kind
from .web import Patience, Web

log = logging.getLogger(__name__)

CHUNK = 1 << 16  # bytes read at a time: no more are lost when a connection stalls
PROGRESS = 1 << 20  # a failed attempt that brought this many new bytes does not count


class Checksum(StrEnum):
    """Where the checksum of a record comes from: given by the publisher, or seen at the first fetch."""

    PUBLISHED = "published"
    PINNED = "pinned"


@dataclass(frozen=True, kw_only=True)
class FetchRecord:
    """What was fetched: `size` in bytes, digests in hexadecimal, the time in UTC."""

    url: str
    size: int
    md5: str
    sha256: str
    etag: str | None
    fetched: str
    checksum: Checksum


def fetch(
    url: str,
    target: Path,
    md5: str | None = None,
    *,
    sha256: str | None = None,
    size: int | None = None,
    kind: Kind | None = None,
    verify: bool = False,
    timeout: float = 60.0,
    attempts: int = 8,
    delay: float = 1.0,
    longest: float = 300.0,
    redirects: int = 10,
) -> FetchRecord:
    """Download `url` to `target`, which appears only when it is whole and right.

    A file that is there with a record that fits is not fetched again. A download that was cut, by the
    network or by the end of the process, goes on where it stopped if the server still has the same file.
    Without a checksum, the first fetch is pinned: a later fetch of the same URL must bring the same bytes.
    What is given here outranks a record.

    Parameters
    ----------
    md5, sha256
        Expected digests in hexadecimal, as published.
    size
        Expected number of bytes.
    kind
        What the file must look like: see `check_content`.
    verify
        Read a file that is there through, and fetch it again if its MD5 is not its record's.
    timeout
        Seconds without a byte after which an attempt has failed.
    attempts
        Failures in a row, without 1 MiB of progress between them, that end the download.
    delay, longest
        Seconds between attempts: none before the second, then `delay` doubled each time, plus a random
        part of up to `delay`, or what the server asks for (Retry-After); never more than `longest`.
    redirects
        Most redirects to follow.

    Returns
    -------
    FetchRecord
        As it stands in `{target}.json`.

    Raises
    ------
    InputError
        If the server refuses, stays away or sends something else, the disk is too small for the file,
        or a record cannot be read.
    """
    target = Path(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    given = _Expected(size=size, md5=md5 and md5.lower(), sha256=sha256 and sha256.lower())
    patience = Retry(
        total=attempts - 1,
        backoff_factor=delay,
        backoff_jitter=delay,
        backoff_max=longest,
        retry_after_max=longest,
    )
    with _alone(target):
        record = read_record(target)
        pinned = record is not None and record.url == url and given.agrees_with(record)
        if pinned and _is_intact(target, record, verify):
            log.info("%s is there already, fetched on %s", target, record.fetched)
            return record
        if record is not None and not pinned:
            log.warning("%s is of another file than %s as expected: it will be replaced", _record_path(target), url)
        expected = given.and_pinned(record, _record_path(target)) if pinned else given
        part = _Part(target, url)
        began, present = time.monotonic(), part.size
        with requests.Session() as session:
            session.max_redirects = redirects
            _download(session, part, expected, patience, timeout)
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
        write_json(_record_path(target), record)
        part.origin_path.unlink()
    speed = (record.size - present) / max(time.monotonic() - began, 1e-3) / 1e6
    log.info("fetched %s (%s bytes, %.1f MB/s)", url, f"{record.size:,}", speed)
    return record


def fetch_and_link(file: DataFile, downloads: Path, link: Path) -> FetchRecord:
    """Fetch a file into the shared downloads and link to it from a run's own folder.

    The link is the run's: Snakemake may delete it, and the file and its record stay. A published list
    is asked for the MD5 only if the file is not there already with a published one.

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
            with Web(Patience()) as web:
                md5 = published_md5(web.text(md5), target.name, md5)
    record = fetch(file.location, target, md5, size=file.size, kind=file.kind)
    link.parent.mkdir(parents=True, exist_ok=True)
    link.unlink(missing_ok=True)
    link.symlink_to(target.resolve())
    return record


def size_and_md5(path: Path) -> tuple[int, str]:
    """Size and MD5 of a file: from its record if it was fetched, else from its bytes."""
    path = path.resolve()
    record = read_record(path)
    return (record.size, record.md5) if record else (path.stat().st_size, file_md5(path))


def read_record(target: Path) -> FetchRecord | None:
    """Record of a fetched file, from `{target}.json`; None if there is none.

    Raises
    ------
    InputError
        If the record cannot be read.
    """
    path = _record_path(target)
    if not path.exists():
        return None
    try:
        record = FetchRecord(**json.loads(path.read_bytes()))
        return replace(record, checksum=Checksum(record.checksum))
    except (TypeError, ValueError) as error:
        raise InputError(path, error, "a record of a download, as JSON; delete it to pin the file anew") from error


def published_md5(listing: str, name: str, where: object = "MD5 listing") -> str:
    """MD5 of a file in an `md5sum.txt` or `MD5SUMS`: lines of `md5  name`, `md5 *name` or `md5 ./name`.

    Parameters
    ----------
    where
        Name of the listing, for errors.

    Raises
    ------
    InputError
        If the listing does not have the file, or has it with two MD5s.
    """
    lines = re.findall(r"^([0-9a-fA-F]{32})[ \t]+\*?(?:\./)?(\S.*?)[ \t\r]*$", listing, flags=re.MULTILINE)
    found = sorted({md5.lower() for md5, listed in lines if listed == name})
    if len(found) != 1:
        raise InputError(where, " and ".join(found) or f"{len(lines)} other files", f"one MD5 of {name}")
    return found[0]


def verify_md5(path: Path, md5: str | None, name: object = None) -> None:
    """Raise `InputError` unless the file has this MD5; None is no expectation."""
    if md5 is None:
        return
    found = file_md5(path)
    if found != md5.lower():
        raise InputError(name or path, f"MD5 {found}", f"MD5 {md5.lower()}")


def file_md5(path: Path) -> str:
    """MD5 of a file, in hexadecimal."""
    with Path(path).open("rb") as stream:
        return hashlib.file_digest(stream, "md5").hexdigest()


class _AttemptFailedError(Exception):
    """An attempt that failed, and may not fail the next time."""


@dataclass(frozen=True, kw_only=True)
class _Origin:
    """The file that a server began to send, as its headers tell."""

    url: str
    size: int | None
    etag: str | None
    modified: str | None
    encoding: str | None

    @classmethod
    def of(cls, url: str, answer: requests.Response) -> Self:
        length = answer.headers.get("Content-Length", "")
        encoding = answer.headers.get("Content-Encoding", "identity")
        return cls(
            url=url,
            size=int(length) if length.isdecimal() else None,
            etag=answer.headers.get("ETag"),
            modified=answer.headers.get("Last-Modified"),
            encoding=None if encoding == "identity" else encoding,
        )

    @property
    def validator(self) -> str | None:
        """What If-Range may carry: a strong ETag, else the date (RFC 9110, section 13.1.5)."""
        return self.etag if self.etag and not self.etag.startswith("W/") else self.modified

    def goes_on_with(self, answer: requests.Response, start: int) -> bool:
        """Whether a partial answer holds this file's bytes from `start` on."""
        found = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", answer.headers.get("Content-Range", ""))
        other = _Origin.of(self.url, answer)
        return (
            found is not None
            and int(found[1]) == start
            and (self.size is None or found[2] in ("*", str(self.size)))
            and other.etag in (None, self.etag)
            and other.encoding == self.encoding
        )


class _Part:
    """The bytes of a file so far, their digests, and what they are the beginning of."""

    def __init__(self, target: Path, url: str) -> None:
        self.url = url
        self.path = target.with_name(f"{target.name}.part")
        self.origin_path = target.with_name(f"{target.name}.part.json")
        self._forget()
        self._take_up()

    def _forget(self) -> None:
        self.size = 0
        self.origin: _Origin | None = None
        self.md5, self.sha256 = hashlib.md5(), hashlib.sha256()

    def _take_up(self) -> None:
        """Go on from what an earlier process left, if it can be told what that is."""
        origin = self._read_origin()
        have = self.path.stat().st_size if self.path.exists() else 0
        if origin is None or origin.url != self.url or (origin.size is not None and have > origin.size):
            self.delete()
            return
        if origin.size is not None and have == origin.size > 0:
            have -= 1  # asked for again, so that the server confirms that this is still the file
        if have == 0:
            return
        os.truncate(self.path, have)
        self.origin = origin
        with self.path.open("rb") as stream:
            while chunk := stream.read(1 << 20):
                self.count(chunk)

    def _read_origin(self) -> _Origin | None:
        try:
            return _Origin(**json.loads(self.origin_path.read_bytes()))
        except FileNotFoundError:
            return None
        except (TypeError, ValueError) as error:
            log.warning("%s cannot be read (%s): starting over", self.origin_path, error)
            return None

    def headers(self) -> dict[str, str]:
        """Headers that ask for the rest of the file that was begun, or for all of another."""
        headers = {"Accept-Encoding": "identity"}
        if self.size:
            headers["Range"] = f"bytes={self.size}-"
            if self.origin.validator is not None:
                headers["If-Range"] = self.origin.validator
        return headers

    def delete_if_unknown(self, has_digest: bool) -> None:
        """Start over where neither the server nor a digest would tell that the file has changed."""
        if self.size and self.origin.validator is None and not has_digest:
            log.info("%s: the server names no version of the file: starting over", self.url)
            self.delete()

    def restart(self, origin: _Origin) -> None:
        """Begin anew. The old bytes go first, so that they never stand beside the new origin."""
        if self.size:
            log.info("%s: the server sends the file from its beginning: starting over", self.url)
        self._forget()
        self.path.write_bytes(b"")
        write_json(self.origin_path, origin)
        self.origin = origin

    def receive(self, answer: requests.Response) -> None:
        """Append the body of an answer as it was sent: nothing is unpacked."""
        with (
            self.path.open("ab") as stream,
            tqdm(
                initial=self.size,
                total=self.origin.size,
                unit="B",
                unit_scale=True,
                desc=self.path.stem,
                mininterval=10,
            ) as progress,
        ):
            for chunk in answer.raw.stream(CHUNK, decode_content=False):
                stream.write(chunk)
                stream.flush()
                self.count(chunk)
                progress.update(len(chunk))

    def count(self, chunk: bytes) -> None:
        """Take bytes into the size and the digests."""
        self.size += len(chunk)
        self.md5.update(chunk)
        self.sha256.update(chunk)

    def delete(self) -> None:
        """Delete the bytes and forget them."""
        self.path.unlink(missing_ok=True)
        self.origin_path.unlink(missing_ok=True)
        self._forget()

    @contextmanager
    def deleted_if_wrong(self) -> Iterator[None]:
        """Delete the bytes if the block finds that they are not what they should be."""
        try:
            yield
        except InputError:
            self.delete()
            raise


@dataclass(frozen=True, kw_only=True)
class _Expected:
    """What a file should be; None is no expectation. `source` says whose expectation it is."""

    size: int | None
    md5: str | None
    sha256: str | None
    source: str = ""

    @property
    def has_digest(self) -> bool:
        return (self.md5 or self.sha256) is not None

    def agrees_with(self, record: FetchRecord) -> bool:
        """Whether a file with this record is what is expected."""
        return (
            self.size in (None, record.size) and self.md5 in (None, record.md5) and self.sha256 in (None, record.sha256)
        )

    def and_pinned(self, record: FetchRecord, path: Path) -> Self:
        """The same, and what a record says besides."""
        source = "" if self.has_digest else f" as fetched on {record.fetched} (delete {path} to accept another)"
        return replace(self, size=record.size, md5=record.md5, sha256=record.sha256, source=source)

    def check_announced(self, origin: _Origin) -> None:
        """Refuse by the headers what cannot be the file.

        An encoded body is stored as it was sent, since some servers call a .gz file an encoding; whether it
        is the file or a packing of it, only a size or a digest can tell.
        """
        if origin.encoding is not None and not self.has_digest and self.size is None:
            found = f"Content-Encoding: {origin.encoding}, though not asked for"
            raise InputError(origin.url, found, "the file as it is, or its MD5, SHA-256 or size to know it by")
        if None not in (origin.size, self.size) and origin.size != self.size:
            raise InputError(origin.url, self._found(f"{origin.size:,} bytes", origin), self._bytes())

    def check(self, part: _Part) -> None:
        """Compare what has arrived: its size, then its digests."""
        if self.size not in (None, part.size):
            raise InputError(part.url, self._found(f"{part.size:,} bytes", part.origin), self._bytes())
        for name, digest, wanted in (("MD5", part.md5, self.md5), ("SHA-256", part.sha256, self.sha256)):
            found = digest.hexdigest()
            if wanted not in (None, found):
                raise InputError(part.url, self._found(f"{name} {found}", part.origin), f"{name} {wanted}{self.source}")

    def _bytes(self) -> str:
        md5 = f", MD5 {self.md5}" if self.md5 else ""
        return f"{self.size:,} bytes{md5}{self.source}"

    @staticmethod
    def _found(what: str, origin: _Origin) -> str:
        return what if origin.encoding is None else f"{what} under Content-Encoding: {origin.encoding}"


def _download(session: requests.Session, part: _Part, expected: _Expected, patience: Retry, timeout: float) -> None:
    """Bring the part to its full length, in as many attempts as patience allows."""
    left, furthest = patience, part.size
    while True:
        answer = None
        try:
            part.delete_if_unknown(expected.has_digest)
            with session.get(part.url, stream=True, timeout=timeout, headers=part.headers()) as answer:
                return _continue(answer, part, expected)
        except (_AttemptFailedError, requests.ConnectionError, requests.Timeout, HTTPError) as error:
            reason = error
        except requests.RequestException as error:
            raise InputError(part.url, f"{type(error).__name__}: {error}", "a file that can be downloaded") from error
        if part.size >= furthest + PROGRESS:
            left, furthest = patience, part.size
        try:
            left = left.increment("GET", part.url, error=reason)
        except MaxRetryError as error:
            found = f"{reason} (byte {part.size:,}, {patience.total + 1} attempts)"
            raise InputError(part.url, found, "a file that can be downloaded") from error
        log.warning("%s: %s at byte %s; %d more attempts", part.url, reason, f"{part.size:,}", left.total + 1)
        _wait(left, answer)


def _wait(patience: Retry, answer: requests.Response | None) -> None:
    """Sleep as long as the server asks for, else as the number of failures says."""
    try:
        patience.sleep(None if answer is None else answer.raw)
    except InvalidHeader as error:
        log.warning("%s", error)
        patience.sleep()


def _continue(answer: requests.Response, part: _Part, expected: _Expected) -> None:
    """Take from one answer what it brings; raises `_AttemptFailedError` unless the part is whole then."""
    told = f"HTTP status {answer.status_code} {answer.reason}"
    match answer.status_code:
        case 200:
            origin = _Origin.of(part.url, answer)
        case 206 if part.origin is not None and part.origin.goes_on_with(answer, part.size):
            origin = part.origin
        case 206 | 416 if part.size:
            part.delete()
            raise _AttemptFailedError(f"{told}: not the rest of the file that was begun")
        case code if code in (408, 429) or code >= 500:
            raise _AttemptFailedError(told)
        case _:
            raise InputError(part.url, told, "200 OK")
    with part.deleted_if_wrong():
        expected.check_announced(origin)
    _check_space(part, origin.size if expected.size is None else expected.size)
    if answer.status_code == 200:
        part.restart(origin)
    length = "an unknown number of" if origin.size is None else f"{origin.size:,}"
    log.info("fetching %s: %s bytes, from byte %s", part.url, length, f"{part.size:,}")
    part.receive(answer)
    if origin.size is not None and part.size < origin.size:
        raise _AttemptFailedError(f"the answer ended after {part.size:,} of {origin.size:,} bytes")


def _check_space(part: _Part, size: int | None) -> None:
    """Refuse a file that the disk cannot hold beside what is there; the part counts, even if it is overwritten."""
    if size is None:
        return
    needed, free = size - part.size, shutil.disk_usage(part.path.parent).free
    if needed > free:
        raise InputError(part.path.parent, f"{free:,} bytes free", f"{needed:,} bytes, needed for {part.url}")


@contextmanager
def _alone(target: Path) -> Iterator[None]:
    """Keep other processes away from a target; the lock ends with the process, however that ends."""
    path = target.with_name(f"{target.name}.lock")
    while True:
        with path.open("ab") as stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                log.info("waiting for another process that fetches %s", target)
                fcntl.flock(stream, fcntl.LOCK_EX)
            if not _is_file_at(stream, path):
                continue  # its holder has deleted it meanwhile: a lock on it keeps nobody away
            try:
                yield
            finally:
                path.unlink(missing_ok=True)
            return


def _is_file_at(stream: BinaryIO, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(stream.fileno()), path.stat())
    except FileNotFoundError:
        return False


def _record_path(target: Path) -> Path:
    return target.with_name(f"{target.name}.json")


def _is_intact(target: Path, record: FetchRecord, verify: bool) -> bool:
    """Whether the file is there and fits its record."""
    if not target.exists():
        return False
    size = target.stat().st_size
    if size != record.size:
        log.warning("%s has %s bytes, its record says %s: fetching it again", target, f"{size:,}", f"{record.size:,}")
        return False
    if verify and (md5 := file_md5(target)) != record.md5:
        log.warning("%s has MD5 %s, its record says %s: fetching it again", target, md5, record.md5)
        return False
    return True
