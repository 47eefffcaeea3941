"""Download of a file from a server to the disk, in several attempts, each resuming where the last one stopped."""

import hashlib
import json
import logging
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import requests
from tqdm import tqdm
from urllib3.exceptions import HTTPError, MaxRetryError

from ..errors import InputError
from ..files import write_json
from .records import FetchRecord
from .retry import Patience, wait

log = logging.getLogger(__name__)

CHUNK = 1 << 16  # bytes read at a time, the most that are lost when a connection stalls
PROGRESS = 1 << 20  # new bytes after which earlier failures no longer count


class _AttemptFailedError(Exception):
    """An attempt failed, but another one may succeed."""


@dataclass(frozen=True, kw_only=True)
class RemoteFile:
    """The file that a server started to send, as described by its headers."""

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
        """Value for If-Range: a strong ETag, otherwise the date (RFC 9110, section 13.1.5)."""
        return self.etag if self.etag and not self.etag.startswith("W/") else self.modified

    def goes_on_with(self, answer: requests.Response, start: int) -> bool:
        """Whether a partial response has this file's bytes from `start` onwards."""
        found = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", answer.headers.get("Content-Range", ""))
        other = RemoteFile.of(self.url, answer)
        return (
            found is not None
            and int(found[1]) == start
            and (self.size is None or found[2] in ("*", str(self.size)))
            and other.etag in (None, self.etag)
            and other.encoding == self.encoding
        )


class PartialDownload:
    """The bytes of a file so far, their digests, and the remote file that they belong to."""

    def __init__(self, target: Path, url: str) -> None:
        self.url = url
        self.path = target.with_name(f"{target.name}.part")
        self.origin_path = target.with_name(f"{target.name}.part.json")
        self._forget()
        self._take_up()

    def _forget(self) -> None:
        self.size = 0
        self.origin: RemoteFile | None = None
        self.md5, self.sha256 = hashlib.md5(), hashlib.sha256()

    def _take_up(self) -> None:
        """Continue from what an earlier process left, if it is known which file that is."""
        origin = self._read_origin()
        have = self.path.stat().st_size if self.path.exists() else 0
        if origin is None or origin.url != self.url or (origin.size is not None and have > origin.size):
            self.delete()
            return
        if origin.size is not None and have == origin.size > 0:
            have -= 1  # request the last byte again, so that the server confirms that the file is still the same
        if have == 0:
            return
        os.truncate(self.path, have)
        self.origin = origin
        with self.path.open("rb") as stream:
            while chunk := stream.read(1 << 20):
                self.count(chunk)

    def _read_origin(self) -> RemoteFile | None:
        try:
            return RemoteFile(**json.loads(self.origin_path.read_bytes()))
        except FileNotFoundError:
            return None
        except (TypeError, ValueError) as error:
            log.warning("%s cannot be read (%s): starting over", self.origin_path, error)
            return None

    def headers(self) -> dict[str, str]:
        """Headers that request the rest of the file or, if the file has changed, all of the new one."""
        headers = {"Accept-Encoding": "identity"}
        if self.size:
            headers["Range"] = f"bytes={self.size}-"
            if self.origin.validator is not None:
                headers["If-Range"] = self.origin.validator
        return headers

    def delete_if_unknown(self, has_digest: bool) -> None:
        """Start over if neither the server nor a digest could show that the file has changed."""
        if self.size and self.origin.validator is None and not has_digest:
            log.info("%s: the server gives no version of the file: starting over", self.url)
            self.delete()

    def restart(self, origin: RemoteFile) -> None:
        """Start again. The old bytes are removed first, so that they are never next to the new origin."""
        if self.size:
            log.info("%s: the server sends the file from the beginning: starting over", self.url)
        self._forget()
        self.path.write_bytes(b"")
        write_json(self.origin_path, origin)
        self.origin = origin

    def receive(self, answer: requests.Response) -> None:
        """Append the body of a response as it was sent, without decompressing it."""
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
        """Add bytes to the size and the digests."""
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
class Expected:
    """Expected properties of a file; None accepts any value. `source` says where the expectation comes from."""

    size: int | None
    md5: str | None
    sha256: str | None
    source: str = ""

    @property
    def has_digest(self) -> bool:
        return (self.md5 or self.sha256) is not None

    def agrees_with(self, record: FetchRecord) -> bool:
        """Whether a file with this record meets the expectations."""
        return (
            self.size in (None, record.size) and self.md5 in (None, record.md5) and self.sha256 in (None, record.sha256)
        )

    def and_pinned(self, record: FetchRecord, path: Path) -> Self:
        """The same expectations, completed from a record."""
        source = "" if self.has_digest else f" as fetched on {record.fetched} (delete {path} to accept a new file)"
        return replace(self, size=record.size, md5=record.md5, sha256=record.sha256, source=source)

    def check_announced(self, origin: RemoteFile) -> None:
        """Refuse a response whose headers show that it cannot be the file.

        An encoded body is stored as it was sent, because some servers declare a .gz file as an encoding; only
        a size or a digest can tell whether it is the file itself or a compressed form of it.
        """
        if origin.encoding is not None and not self.has_digest and self.size is None:
            found = f"Content-Encoding: {origin.encoding}, which was not requested"
            raise InputError(origin.url, found, "the file without encoding, or its MD5, SHA-256 or size to verify it")
        if None not in (origin.size, self.size) and origin.size != self.size:
            raise InputError(origin.url, self._found(f"{origin.size:,} bytes", origin), self._bytes())

    def check(self, part: PartialDownload) -> None:
        """Check what has arrived: first its size, then its digests."""
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
    def _found(what: str, origin: RemoteFile) -> str:
        return what if origin.encoding is None else f"{what} under Content-Encoding: {origin.encoding}"


def download(session: requests.Session, part: PartialDownload, expected: Expected, patience: Patience) -> None:
    """Complete a partial download, in as many attempts as `patience` allows."""
    left, furthest = patience.retry(), part.size
    while True:
        answer = None
        try:
            part.delete_if_unknown(expected.has_digest)
            with session.get(part.url, stream=True, timeout=patience.timeout, headers=part.headers()) as answer:
                return _continue(answer, part, expected)
        except (_AttemptFailedError, requests.ConnectionError, requests.Timeout, HTTPError) as error:
            reason = error
        except requests.RequestException as error:
            raise InputError(part.url, f"{type(error).__name__}: {error}", "a file that can be downloaded") from error
        if part.size >= furthest + PROGRESS:
            left, furthest = patience.retry(), part.size
        try:
            left = left.increment("GET", part.url, error=reason)
        except MaxRetryError as error:
            found = f"{reason} (at byte {part.size:,}, after {patience.attempts} attempts)"
            raise InputError(part.url, found, "a file that can be downloaded") from error
        log.warning("%s: %s at byte %s; %d more attempts", part.url, reason, f"{part.size:,}", left.total + 1)
        wait(left, answer)


def _continue(answer: requests.Response, part: PartialDownload, expected: Expected) -> None:
    """Add what one response sends; raise `_AttemptFailedError` unless the part is then complete."""
    told = f"HTTP status {answer.status_code} {answer.reason}"
    match answer.status_code:
        case 200:
            origin = RemoteFile.of(part.url, answer)
        case 206 if part.origin is not None and part.origin.goes_on_with(answer, part.size):
            origin = part.origin
        case 206 | 416 if part.size:
            part.delete()
            raise _AttemptFailedError(f"{told}: not the rest of the file")
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
        raise _AttemptFailedError(f"the response ended after {part.size:,} of {origin.size:,} bytes")


def _check_space(part: PartialDownload, size: int | None) -> None:
    """Refuse a file that is too large for the disk; the part needs no more space, even if it is overwritten."""
    if size is None:
        return
    needed, free = size - part.size, shutil.disk_usage(part.path.parent).free
    if needed > free:
        raise InputError(part.path.parent, f"{free:,} bytes free", f"{needed:,} bytes, needed for {part.url}")
