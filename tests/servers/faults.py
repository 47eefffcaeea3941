"""Answers of the test server, and the ways in which they go wrong."""

import gzip
import hashlib
import threading
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from http import HTTPStatus

ALWAYS = None
INVERTED = bytes(255 - value for value in range(256))


@dataclass(frozen=True, kw_only=True)
class Reply:
    """An answer before it goes over the wire.

    Parameters
    ----------
    ranged
        Whether a Range header is honoured: true of files, false of pages and documents.
    excess
        Bytes by which Content-Length exceeds the body.
    cut_after, stall_after
        Bytes of the body after which the connection closes, or pauses for `stall` seconds.
    rate
        Bytes a second; None is as fast as the connection allows.
    """

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    ranged: bool = False
    excess: int = 0
    cut_after: int | None = None
    stall_after: int = 0
    stall: float = 0.0
    rate: float | None = None


def page(status: int, text: str, content_type: str = "text/html; charset=utf-8", **headers: str) -> Reply:
    """A short text; `Retry_After="1"` gives the header Retry-After."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status=status, body=text.encode(), headers={"Content-Type": content_type, **named})


def file_reply(body: bytes, modified: str = "Sat, 01 Jan 2022 00:00:00 GMT") -> Reply:
    """The bytes of a file, with the ETag that S3 gives to an object stored in one part: its MD5."""
    headers = {
        "Content-Type": "application/octet-stream",
        "ETag": f'"{hashlib.md5(body).hexdigest()}"',
        "Last-Modified": modified,
        "Accept-Ranges": "bytes",
    }
    return Reply(body=body, headers=headers, ranged=True)


@dataclass(frozen=True, kw_only=True)
class Fault(ABC):
    """A way in which an answer goes wrong, for the next `times` requests; ALWAYS is for every one."""

    times: int | None = 1

    @abstractmethod
    def spoil(self, reply: Reply, target: str, nth: int) -> Reply:
        """Answer given instead of `reply` to the `nth` request that meets this fault, for `target`."""


@dataclass(frozen=True)
class Status(Fault):
    """An HTTP error, with a Retry-After header (seconds, or a date as text) if given."""

    code: int
    retry_after: int | str | None = None

    def spoil(self, reply: Reply, target: str, nth: int) -> Reply:
        headers = {} if self.retry_after is None else {"Retry_After": str(self.retry_after)}
        return page(self.code, f"<html><h1>{self.code} {HTTPStatus(self.code).phrase}</h1></html>", **headers)


@dataclass(frozen=True)
class Forbidden(Fault):
    """HTTP 403 with S3's XML, as for a link that is private or has expired."""

    def spoil(self, reply: Reply, target: str, nth: int) -> Reply:
        return page(403, "<Error><Code>AccessDenied</Code></Error>", "application/xml")


@dataclass(frozen=True)
class Html(Fault):
    """HTTP 200 with a web page where a document or a file was asked for."""

    def spoil(self, reply: Reply, target: str, nth: int) -> Reply:
        return page(200, "<!DOCTYPE html><html><body>Please log in.</body></html>")


@dataclass(frozen=True, kw_only=True)
class RedirectLoop(Fault):
    """A redirect to the same address, by default for ever."""

    times: int | None = ALWAYS

    def spoil(self, reply: Reply, target: str, nth: int) -> Reply:
        return page(302, "", Location=target)


@dataclass(frozen=True)
class Cut(Fault):
    """The connection closes after so many bytes of the body."""

    after_bytes: int

    def spoil(self, reply: Reply, target: str, nth: int) -> Reply:
        return replace(reply, cut_after=self.after_bytes)


@dataclass(frozen=True)
class Stall(Fault):
    """Nothing comes for so many seconds after so many bytes of the body; then the rest does."""

    seconds: float
    after_bytes: int = 0

    def spoil(self, reply: Reply, target: str, nth: int) -> Reply:
        return replace(reply, stall=self.seconds, stall_after=self.after_bytes)


@dataclass(frozen=True)
class Slow(Fault):
    """The body trickles in."""

    bytes_per_second: float

    def spoil(self, reply: Reply, target: str, nth: int) -> Reply:
        return replace(reply, rate=self.bytes_per_second)


@dataclass(frozen=True)
class WrongBytes(Fault):
    """Every bit of the body is inverted; its length and ETag stay."""

    def spoil(self, reply: Reply, target: str, nth: int) -> Reply:
        return replace(reply, body=reply.body.translate(INVERTED))


@dataclass(frozen=True)
class WrongLength(Fault):
    """Content-Length says `excess` bytes more than come, or fewer where it is negative; then the connection closes."""

    excess: int = 10

    def spoil(self, reply: Reply, target: str, nth: int) -> Reply:
        return replace(reply, excess=self.excess)


@dataclass(frozen=True)
class IgnoreRange(Fault):
    """HTTP 200 and the whole body, whatever range was asked for."""

    def spoil(self, reply: Reply, target: str, nth: int) -> Reply:
        return replace(reply, ranged=False)


@dataclass(frozen=True)
class GzipEncoding(Fault):
    """The body is gzipped on the way, asked for or not; ranges are ignored."""

    def spoil(self, reply: Reply, target: str, nth: int) -> Reply:
        headers = {**reply.headers, "Content-Encoding": "gzip"}
        return replace(reply, body=gzip.compress(reply.body, mtime=0), headers=headers, ranged=False)


@dataclass(frozen=True, kw_only=True)
class Changed(Fault):
    """The file is replaced by another of the same length after the first request; counts that one in `times`."""

    times: int | None = ALWAYS

    def spoil(self, reply: Reply, target: str, nth: int) -> Reply:
        return reply if nth == 1 else file_reply(reply.body.translate(INVERTED), "Sun, 01 Jan 2023 00:00:00 GMT")


class FaultPlan:
    """Which request meets which fault; shared by the server's threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._met: dict[str, list[tuple[Fault, int]]] = {}

    def add(self, pattern: str, *faults: Fault) -> None:
        """Append faults for a path, or for all that begin so where `pattern` ends in `*`; they are met in order."""
        with self._lock:
            self._met.setdefault(pattern, []).extend((fault, 0) for fault in faults)

    def clear(self) -> None:
        """Forget every fault."""
        with self._lock:
            self._met.clear()

    def spoil(self, reply: Reply, path: str, target: str) -> Reply:
        """Spoil an answer with the first fault that is left for its path; the most exact pattern counts first."""
        with self._lock:
            prefixes = [name for name in self._met if name.endswith("*") and path.startswith(name[:-1])]
            for pattern in [path, *sorted(prefixes, key=len, reverse=True)]:
                for place, (fault, met) in enumerate(self._met.get(pattern, [])):
                    if fault.times is ALWAYS or met < fault.times:
                        self._met[pattern][place] = (fault, met + 1)
                        return fault.spoil(reply, target, met + 1)
        return reply
