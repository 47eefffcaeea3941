"""What the tests of downloads share: a file, servers that spoil it, and downloads that stop on the way."""

import hashlib
import random
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from pathlib import Path

import pytest
from servers.encode import EncodeFile
from servers.faults import (
    Cut,
    Fault,
    Reply,
)
from servers.server import DataServer

from rnatracks.downloads.fetch import fetch
from rnatracks.downloads.records import FetchRecord
from rnatracks.downloads.retry import Patience
from rnatracks.errors import InputError

# Random bytes, since a piece of anything periodic may fit in the wrong place.
BODY = random.Random(1).randbytes(2_500_000)
OTHER = random.Random(2).randbytes(len(BODY))
LONGER = random.Random(3).randbytes(len(BODY) + 1)
MD5 = hashlib.md5(BODY).hexdigest()
SHA256 = hashlib.sha256(BODY).hexdigest()
ENCODE = EncodeFile(accession="ENCFF000AAP", content=BODY)
CUT = 1_000_000
CHILD = """
import sys
from pathlib import Path
from rnatracks.downloads.fetch import fetch
from rnatracks.downloads.retry import Patience
fetch(sys.argv[1], Path(sys.argv[2]), patience=Patience(delay=0))
"""


@dataclass(frozen=True)
class Unversioned(Fault):
    """An answer that names no version of the file, or a weak one, cut after so many bytes."""

    after_bytes: int | None = None
    weak: bool = False

    def spoil(self, reply: Reply, target: str, nth: int) -> Reply:
        headers = {name: value for name, value in reply.headers.items() if name not in ("ETag", "Last-Modified")}
        if self.weak:
            headers |= {"ETag": 'W/"1"', "Last-Modified": reply.headers["Last-Modified"]}
        return replace(reply, headers=headers, cut_after=self.after_bytes)


@dataclass(frozen=True)
class Swapped(Fault):
    """Another file under the old ETag: If-Range does not tell."""

    body: bytes = b""

    def spoil(self, reply: Reply, target: str, nth: int) -> Reply:
        return replace(reply, body=self.body)


@dataclass(frozen=True)
class RawServer:
    """A server that answers with given bytes, and the requests that it got."""

    url: str
    asked: list[str]


@contextmanager
def raw_server(*replies: bytes) -> Iterator[RawServer]:
    """Give each connection in turn one of these replies, to the letter, and close it."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = RawServer(f"http://127.0.0.1:{listening.getsockname()[1]}/file", [])

        def serve() -> None:
            for reply in replies:
                connection, _ = listening.accept()
                with connection:
                    server.asked.append(connection.recv(1 << 16).decode())
                    connection.sendall(reply)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server
        thread.join(timeout=5)
        assert len(server.asked) == len(replies)


def reply(status: str, body: bytes, *headers: str) -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status}", *headers, "\r\n"]).encode() + body


LIMITS = {field.name for field in fields(Patience)}


def get(server: DataServer, target: Path, path: str = "/file", **given: object) -> FetchRecord:
    """Fetch with little patience; what is given is of that, or of the file."""
    limits = {key: given.pop(key) for key in LIMITS & set(given)}
    patience = Patience(**{"timeout": 5, "delay": 0, "attempts": 3} | limits)
    return fetch(server.url(path), target, patience=patience, **given)


def check_refused(server: DataServer, target: Path, *words: str, path: str = "/file", **limits: object) -> None:
    with pytest.raises(InputError) as refused:
        get(server, target, path, **limits)
    line = str(refused.value)
    assert line.startswith(f"{server.url(path)}: found ")
    assert "\n" not in line
    for word in words:
        assert word in line


def interrupt(server: DataServer, target: Path) -> None:
    """Leave a download that stopped on the way."""
    server.fail("/file", Cut(CUT))
    check_refused(server, target, attempts=1)
    assert names(target.parent) == [f"{target.name}.part", f"{target.name}.part.json"]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def short_id(value: object) -> str:
    return f"{len(value)} bytes" if isinstance(value, bytes) else str(value)


def ranges(server: DataServer, path: str = "/file") -> list[str | None]:
    return [request.range for request in server.requests if request.path == path]


def wait_for_bytes(path: Path, least: int) -> None:
    until = time.monotonic() + 20
    while not path.exists() or path.stat().st_size < least:
        assert time.monotonic() < until, f"{path} does not grow"
        time.sleep(0.01)


def start_child(server: DataServer, target: Path) -> subprocess.Popen:
    command = [sys.executable, "-c", CHILD, server.url("/file"), str(target)]
    source = Path(__file__).parents[2] / "workflow_scripts"
    return subprocess.Popen(command, cwd=source, stderr=subprocess.DEVNULL)
