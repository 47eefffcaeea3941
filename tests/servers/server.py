"""The test server: files and ENCODE's portal behind faults, with a count of what was asked and sent."""

import hashlib
import re
import socket
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from types import TracebackType
from typing import Self
from urllib.parse import unquote, urlsplit

from .encode import EncodeLibrary
from .faults import Fault, FaultPlan, Reply, file_reply, page
from .hub import HubModel

UCSC = "/goldenPath/hg38/bigZips"
GENCODE = "/pub/databases/gencode/Gencode_human/release_46"
CHUNK = 1 << 16
TICK = 0.02  # seconds between pieces of a slow answer, and between looks at whether the client is still there


def with_checksums(folder: str, files: Mapping[str, bytes], listing: str) -> dict[str, bytes]:
    """Files of a folder and, beside them, the MD5s of all: `md5sum.txt` at UCSC, `MD5SUMS` at GENCODE."""
    lines = "".join(f"{hashlib.md5(content).hexdigest()}  {name}\n" for name, content in files.items())
    return {f"{folder}/{name}": content for name, content in {**files, listing: lines.encode()}.items()}


@dataclass(frozen=True)
class Request:
    """A request and how it was answered; `sent` counts bytes of the body handed to the network so far."""

    method: str
    path: str
    query: str
    range: str | None
    status: int
    sent: int = 0


class Traffic:
    """Every request, and how many downloads ran at once; may be read while the server runs.

    Whatever a client has received is counted already, and a download that a client has received whole has ended.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: list[Request] = []
        self._running = 0
        self._most = 0

    def open(self, request: Request) -> int:
        """Record a request; gives its number."""
        with self._lock:
            self._requests.append(request)
            return len(self._requests) - 1

    def count(self, number: int, sent: int) -> None:
        """Add to the bytes sent for a request."""
        with self._lock:
            request = self._requests[number]
            self._requests[number] = replace(request, sent=request.sent + sent)

    @contextmanager
    def download(self) -> Iterator[None]:
        """Count a download among those that run."""
        with self._lock:
            self._running += 1
            self._most = max(self._most, self._running)
        try:
            yield
        finally:
            with self._lock:
                self._running -= 1

    def read(self) -> tuple[tuple[Request, ...], int]:
        """All requests in the order of their arrival, and the most downloads that ran at once."""
        with self._lock:
            return tuple(self._requests), self._most


class DataServer(ThreadingHTTPServer):
    """Server on a free port of 127.0.0.1, which runs inside a `with` block.

    Parameters
    ----------
    encode
        What its portal holds, under `/search/`, `/files/` and `/experiments/`.
    files
        Content of plain files by path: `recount3_files(...)`, `with_checksums(...)`, or anything else.
    hub
        A model of the Hugging Face hub.

    Examples
    --------
    >>> from servers.faults import Cut, Status
    >>> with DataServer(files={"/a.txt": b"abc"}) as server:
    ...     server.fail("/a.txt", Status(503, times=2), Cut(1))
    ...     server.url("/a.txt").startswith("http://127.0.0.1:")
    True
    """

    daemon_threads = True
    request_queue_size = 64

    def __init__(
        self,
        encode: EncodeLibrary | None = None,
        files: Mapping[str, bytes] | None = None,
        hub: HubModel | None = None,
    ) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self._encode = encode or EncodeLibrary()
        self._files = {**(files or {}), **self._encode.bucket()}
        self._hub = hub
        self._plan = FaultPlan()
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01})
        self.traffic = Traffic()
        self.stopping = threading.Event()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stopping.set()
        self.shutdown()
        self._thread.join()
        self.server_close()

    def url(self, path: str = "") -> str:
        """Address of a path here; without one, the base address that stands for ENCODE's."""
        return f"http://127.0.0.1:{self.server_port}{path}"

    def add(self, files: Mapping[str, bytes]) -> None:
        """Serve more files, or other content of the same."""
        self._files = {**self._files, **files}

    def fail(self, pattern: str, *faults: Fault) -> None:
        """Let requests for a path meet faults, in order; a `*` at the end stands for any rest of the path.

        A download from ENCODE is two requests: `EncodeFile.href`, which redirects, and `EncodeFile.stored`.
        """
        self._plan.add(pattern, *faults)

    def heal(self) -> None:
        """Forget every fault."""
        self._plan.clear()

    @property
    def requests(self) -> tuple[Request, ...]:
        """Every request so far, in the order of arrival."""
        return self.traffic.read()[0]

    @property
    def most_at_once(self) -> int:
        """The most downloads of files that ran at the same time."""
        return self.traffic.read()[1]

    def bytes_sent(self, path: str) -> int:
        """Bytes of bodies sent for a path, over all requests."""
        return sum(request.sent for request in self.requests if request.path == path)

    def answer(self, target: str, accept: str) -> tuple[Reply, bool]:
        """Answer to a request, spoilt if a fault is due, and whether it was to be a file."""
        address = urlsplit(target)
        path = unquote(address.path)
        if path in self._files:
            reply = file_reply(self._files[path])
        elif path.startswith(("/search/", "/files/", "/experiments/")):
            reply = self._encode.answer(path, address.query, accept, self.url())
        elif self._hub is not None and self._hub.hub_id in path:
            reply = self._hub.answer(path)
        else:
            reply = page(404, "<html><h1>404 Not Found</h1></html>")
        return self._plan.spoil(reply, path, target), reply.ranged

    def handle_error(self, request: object, client_address: object) -> None:
        """Report errors of the server; that clients go away is expected."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


def select_range(reply: Reply, wanted: str | None, condition: str | None) -> Reply:
    """Cut the asked-for bytes out of an answer, by RFC 9110, section 14; several ranges at once are ignored.

    Parameters
    ----------
    wanted, condition
        The headers Range and If-Range.
    """
    found = re.fullmatch(r"bytes=(\d*)-(\d*)", wanted or "")
    current = (None, reply.headers.get("ETag"), reply.headers.get("Last-Modified"))
    if not reply.ranged or found is None or found[0] == "bytes=-" or condition not in current:
        return reply
    size = len(reply.body)
    first, last = found.groups()
    start = int(first) if first else max(size - int(last), 0)
    end = min(int(last) + 1, size) if first and last else size
    if first and last and int(last) < int(first):
        return reply
    if start >= size:
        return page(416, "<html><h1>416 Range Not Satisfiable</h1></html>", Content_Range=f"bytes */{size}")
    headers = {**reply.headers, "Content-Range": f"bytes {start}-{end - 1}/{size}"}
    return replace(reply, status=206, body=reply.body[start:end], headers=headers)


def pieces(reply: Reply) -> list[tuple[float, bytes]]:
    """The body as it is sent: seconds to wait, and the bytes that follow. The last byte is a piece of its own."""
    body = reply.body[: reply.cut_after]
    step = CHUNK if reply.rate is None else max(1, round(reply.rate * TICK))
    edges = {*range(0, len(body), step), max(len(body) - 1, 0), min(reply.stall_after, len(body)), len(body)}
    return [
        (
            (reply.stall if start == reply.stall_after else 0.0) + ((end - start) / reply.rate if reply.rate else 0.0),
            body[start:end],
        )
        for start, end in pairwise(sorted(edges))
    ]


class _Handler(BaseHTTPRequestHandler):
    """One connection of the server."""

    server: DataServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        if self.server.stopping.is_set():  # a connection kept open from before
            self.close_connection = True
            return
        reply, is_file = self.server.answer(self.path, self.headers.get("Accept", ""))
        reply = select_range(reply, self.headers.get("Range"), self.headers.get("If-Range"))
        address = urlsplit(self.path)
        number = self.server.traffic.open(
            Request(self.command, unquote(address.path), address.query, self.headers.get("Range"), reply.status)
        )
        try:
            self._send(reply, number, counted=is_file and self.command == "GET")
        except ConnectionError:
            self.close_connection = True

    def do_HEAD(self) -> None:
        self.do_GET()

    def _send(self, reply: Reply, number: int, *, counted: bool) -> None:
        parts = pieces(reply) if self.command == "GET" else []
        with self.server.traffic.download() if counted else nullcontext():
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(reply.body) + reply.excess))
            self.end_headers()
            for wait, part in parts[:-1]:
                self._push(number, wait, part)
        # The download has ended before the client can know it, so that its next one is not counted beside it.
        for wait, part in parts[-1:]:
            self._push(number, wait, part)
        if reply.excess or reply.cut_after is not None:
            self.close_connection = True

    def _push(self, number: int, wait: float, part: bytes) -> None:
        until = time.monotonic() + wait
        while (left := until - time.monotonic()) > 0:
            if self.server.stopping.wait(min(left, TICK)) or self._left():
                raise ConnectionAbortedError
        self.server.traffic.count(number, len(part))
        try:
            self.wfile.write(part)
        except ConnectionError:
            self.server.traffic.count(number, -len(part))
            raise

    def _left(self) -> bool:
        try:
            return not self.connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return False

    def log_message(self, format: str, *args: object) -> None:
        """Keep the tests' output clean."""
