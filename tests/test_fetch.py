"""Downloads from a server on 127.0.0.1 that answers well, badly, and not at all."""

import fcntl
import gzip
import hashlib
import json
import logging
import random
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import BinaryIO

import pyBigWig
import pytest
from servers.encode import EncodeFile, EncodeLibrary
from servers.faults import (
    ALWAYS,
    Cut,
    Fault,
    Forbidden,
    GzipEncoding,
    Html,
    IgnoreRange,
    RedirectLoop,
    Reply,
    Slow,
    Stall,
    Status,
    WrongBytes,
    WrongLength,
)
from servers.server import DataServer

from rnatracks.content import BGZF_END, check_content
from rnatracks.errors import InputError
from rnatracks.fetch import fetch, file_md5, published_md5, size_and_md5, verify_md5
from rnatracks.records import Checksum, FetchRecord, read_record
from rnatracks.remote import Kind

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
from rnatracks.fetch import fetch
fetch(sys.argv[1], Path(sys.argv[2]), delay=0)
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


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[DataServer]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with DataServer(EncodeLibrary((ENCODE,)), {"/file": BODY, "/empty": b"", "/twin": BODY}) as running:
        yield running


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


def get(server: DataServer, target: Path, path: str = "/file", **limits: object) -> FetchRecord:
    return fetch(server.url(path), target, **{"timeout": 5, "delay": 0, "attempts": 3, **limits})


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
    source = Path(__file__).parents[1] / "workflow_scripts"
    return subprocess.Popen(command, cwd=source, stderr=subprocess.DEVNULL)


# Whole downloads


@pytest.mark.parametrize("md5", [MD5, MD5.upper(), None])
@pytest.mark.parametrize("path", ["/file", ENCODE.href])
def test_a_good_file_arrives(server: DataServer, tmp_path: Path, path: str, md5: str | None) -> None:
    target = tmp_path / "new" / "file.bw"
    get(server, target, path, md5=md5)
    assert target.read_bytes() == BODY
    assert names(tmp_path) == ["file.bw", "file.bw.json"]
    assert ranges(server, path) == [None]


def test_the_record_says_what_was_fetched(server: DataServer, tmp_path: Path) -> None:
    record = get(server, tmp_path / "file.bw")
    assert record == read_record(tmp_path / "file.bw")
    written = json.loads((tmp_path / "file.bw.json").read_text())
    assert written.pop("fetched").endswith("+00:00")
    assert written == {
        "url": server.url("/file"),
        "size": len(BODY),
        "md5": MD5,
        "sha256": SHA256,
        "etag": f'"{MD5}"',
        "checksum": "pinned",
    }


@pytest.mark.parametrize("given", [{"md5": MD5}, {"sha256": SHA256.upper()}, {"md5": MD5, "size": len(BODY)}])
def test_a_given_checksum_counts_as_published(server: DataServer, tmp_path: Path, given: dict) -> None:
    assert get(server, tmp_path / "file.bw", **given).checksum is Checksum.PUBLISHED
    (tmp_path / "file.bw").unlink()
    assert get(server, tmp_path / "file.bw").checksum is Checksum.PUBLISHED, "the record still knows it"


def test_an_empty_file_arrives(server: DataServer, tmp_path: Path) -> None:
    get(server, tmp_path / "file", "/empty")
    assert (tmp_path / "file").read_bytes() == b""


@pytest.mark.usefixtures("server")
def test_a_file_of_unknown_length_arrives(tmp_path: Path) -> None:
    with raw_server(reply("200 OK", BODY, "Connection: close")) as raw:
        fetch(raw.url, tmp_path / "file.bw", MD5)
    assert (tmp_path / "file.bw").read_bytes() == BODY


@pytest.mark.usefixtures("server")
def test_a_file_of_unknown_length_goes_on_after_a_cut(tmp_path: Path) -> None:
    cut = reply("200 OK", b"5\r\n01234\r\n", 'ETag: "1"', "Transfer-Encoding: chunked")
    rest = reply("206 Partial Content", b"56789", 'ETag: "1"', "Content-Range: bytes 5-9/10")
    with raw_server(cut, rest) as raw:
        fetch(raw.url, tmp_path / "file", delay=0)
    assert (tmp_path / "file").read_bytes() == b"0123456789"


def test_a_download_is_logged(server: DataServer, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    get(server, tmp_path / "file.bw")
    assert f"fetching {server.url('/file')}: 2,500,000 bytes, from byte 0" in caplog.text
    assert f"fetched {server.url('/file')} (2,500,000 bytes, " in caplog.text


# Faults of server and network


@pytest.mark.parametrize("md5", [MD5, None])
@pytest.mark.parametrize(
    "faults",
    [
        *[(Status(code),) for code in (408, 429, 500, 502, 503, 504, 520)],
        (Status(503, times=2),),
        (Cut(0),),
        (Cut(1),),
        (Cut(CUT),),
        (Cut(len(BODY) - 1),),
        (Cut(CUT), Status(503)),
        (Cut(CUT), IgnoreRange()),
        (Cut(CUT), Status(416)),
        (WrongLength(10),),
        (Unversioned(CUT),),
        (Unversioned(CUT, weak=True),),
    ],
    ids=str,
)
def test_a_passing_fault_heals(server: DataServer, tmp_path: Path, faults: tuple[Fault, ...], md5: str | None) -> None:
    server.fail("/file", *faults)
    get(server, tmp_path / "file.bw", md5=md5, attempts=4)
    assert (tmp_path / "file.bw").read_bytes() == BODY
    assert names(tmp_path) == ["file.bw", "file.bw.json"]


@pytest.mark.parametrize("after", [0, CUT])
def test_a_stalled_server_is_asked_again(server: DataServer, tmp_path: Path, after: int) -> None:
    server.fail("/file", Stall(60, after))
    get(server, tmp_path / "file.bw", timeout=0.2)
    assert (tmp_path / "file.bw").read_bytes() == BODY


@pytest.mark.parametrize(
    ("fault", "asked", "words"),
    [
        (Status(403, times=ALWAYS), 1, ["HTTP status 403"]),
        (Forbidden(times=ALWAYS), 1, ["HTTP status 403"]),
        (Status(404, times=ALWAYS), 1, ["HTTP status 404", "expected 200 OK"]),
        (Status(410, times=ALWAYS), 1, ["HTTP status 410"]),
        (Status(416, times=ALWAYS), 1, ["HTTP status 416"]),
        (Status(503, times=ALWAYS), 3, ["HTTP status 503", "3 attempts"]),
        (Status(429, times=ALWAYS, retry_after=0), 3, ["HTTP status 429"]),
        (Stall(60, times=ALWAYS), 3, ["timed out"]),
        (Cut(0, times=ALWAYS), 3, ["3 attempts"]),
        (RedirectLoop(), 11, ["redirects"]),
    ],
    ids=str,
)
def test_a_lasting_fault_is_told_in_one_line(
    server: DataServer, tmp_path: Path, fault: Fault, asked: int, words: list[str]
) -> None:
    server.fail("/file", fault)
    check_refused(server, tmp_path / "file.bw", *words, timeout=0.2)
    assert len(server.requests) == asked
    assert not {"file.bw", "file.bw.json", "file.bw.lock"} & set(names(tmp_path))


def test_a_missing_file_is_refused_at_once(server: DataServer, tmp_path: Path) -> None:
    check_refused(server, tmp_path / "file.bw", "HTTP status 404", path="/nothing")
    assert len(server.requests) == 1
    assert names(tmp_path) == []


def test_a_refused_connection_is_told(server: DataServer, tmp_path: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/file"
        with pytest.raises(InputError, match="refused") as refused:
            fetch(url, tmp_path / "file.bw", delay=0)
    assert str(refused.value).startswith(url)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("url", ["no url", "gopher://127.0.0.1/file", "http://"])
def test_what_is_no_web_address_is_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(InputError) as refused:
        fetch(url, tmp_path / "file.bw")
    assert str(refused.value).startswith(f"{url}: found ")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize("headers", [[], ["Content-Range: bytes 5-9/10"]])
def test_a_part_that_nobody_asked_for_is_refused(tmp_path: Path, headers: list[str]) -> None:
    part = reply("206 Partial Content", b"56789", "Content-Length: 5", *headers)
    with raw_server(part) as raw, pytest.raises(InputError, match="HTTP status 206"):
        fetch(raw.url, tmp_path / "file.bw", delay=0)
    assert list(tmp_path.iterdir()) == []


# Waiting


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Seconds that urllib3 would have slept, in order."""
    slept: list[float] = []
    monkeypatch.setattr("urllib3.util.retry.time.sleep", slept.append)
    return slept


def test_waits_double_and_vary_and_end(server: DataServer, tmp_path: Path, waits: list[float]) -> None:
    server.fail("/file", Status(503, times=ALWAYS))
    check_refused(server, tmp_path / "file.bw", attempts=8, delay=1, longest=20)
    assert [int(wait) for wait in waits[:3]] == [2, 4, 8]
    assert all(wait != int(wait) for wait in waits[:3]), "a random part"
    assert waits[4:] == [20.0, 20.0]


@pytest.mark.parametrize(("asked", "slept"), [(7, 7), ("7", 7), (9999, 20), ("Wed, 01 Jan 2098 00:00:00 GMT", 20)])
def test_the_server_says_how_long_to_wait(
    server: DataServer, tmp_path: Path, waits: list[float], asked: int | str, slept: float
) -> None:
    server.fail("/file", Status(429, retry_after=asked))
    get(server, tmp_path / "file.bw", longest=20)
    assert waits == [slept]


def test_an_unreadable_retry_after_is_ignored(server: DataServer, tmp_path: Path, waits: list[float]) -> None:
    server.fail("/file", Status(503, retry_after="soon", times=2))
    get(server, tmp_path / "file.bw", delay=1)
    assert [int(wait) for wait in waits] == [2]


def test_cuts_after_much_progress_do_not_use_up_the_attempts(server: DataServer, tmp_path: Path) -> None:
    large = random.Random(4).randbytes(6_000_000)
    server.add({"/file": large})
    server.fail("/file", Cut(1_100_000, times=ALWAYS))
    get(server, tmp_path / "file.bw", attempts=2)
    assert (tmp_path / "file.bw").read_bytes() == large
    assert ranges(server) == [None, *[f"bytes={start}-" for start in range(1_100_000, 6_000_000, 1_100_000)]]


def test_cuts_after_little_progress_do(server: DataServer, tmp_path: Path) -> None:
    server.fail("/file", Cut(1000, times=ALWAYS))
    check_refused(server, tmp_path / "file.bw", "byte 3,000", "3 attempts")
    assert ranges(server) == [None, "bytes=1000-", "bytes=2000-"]
    assert (tmp_path / "file.bw.part").read_bytes() == BODY[:3000]


# Going on where a download stopped


def test_a_cut_download_goes_on(server: DataServer, tmp_path: Path) -> None:
    server.fail("/file", Cut(CUT))
    get(server, tmp_path / "file.bw", sha256=SHA256)
    assert ranges(server) == [None, f"bytes={CUT}-"]
    assert server.bytes_sent("/file") == len(BODY)


def test_a_later_call_goes_on(server: DataServer, tmp_path: Path) -> None:
    interrupt(server, tmp_path / "file.bw")
    record = get(server, tmp_path / "file.bw")
    assert (tmp_path / "file.bw").read_bytes() == BODY
    assert (record.md5, record.sha256, record.size) == (MD5, SHA256, len(BODY))
    assert ranges(server) == [None, f"bytes={CUT}-"]
    assert server.bytes_sent("/file") == len(BODY)
    assert names(tmp_path) == ["file.bw", "file.bw.json"]


def test_a_redirected_download_goes_on(server: DataServer, tmp_path: Path) -> None:
    server.fail(ENCODE.stored, Cut(CUT))
    get(server, tmp_path / "file.bw", ENCODE.href, md5=MD5)
    assert ranges(server, ENCODE.stored) == [None, f"bytes={CUT}-"]


def test_a_whole_part_is_confirmed_by_its_last_byte(server: DataServer, tmp_path: Path) -> None:
    interrupt(server, tmp_path / "file.bw")
    (tmp_path / "file.bw.part").write_bytes(BODY)
    get(server, tmp_path / "file.bw")
    assert (tmp_path / "file.bw").read_bytes() == BODY
    assert ranges(server)[1:] == [f"bytes={len(BODY) - 1}-"]


@pytest.mark.parametrize("size", [0, 1, CUT, len(BODY)])
@pytest.mark.parametrize("new", [OTHER, LONGER, BODY[:1000]], ids=["other", "longer", "shorter"])
def test_a_changed_file_is_fetched_from_its_beginning(
    server: DataServer, tmp_path: Path, new: bytes, size: int
) -> None:
    interrupt(server, tmp_path / "file.bw")
    (tmp_path / "file.bw.part").write_bytes(BODY[:size])
    server.add({"/file": new})
    get(server, tmp_path / "file.bw")
    assert (tmp_path / "file.bw").read_bytes() == new


def test_another_length_tells_a_changed_file_where_the_server_does_not(server: DataServer, tmp_path: Path) -> None:
    interrupt(server, tmp_path / "file.bw")
    server.fail("/file", Swapped(LONGER, times=ALWAYS))
    get(server, tmp_path / "file.bw")
    assert (tmp_path / "file.bw").read_bytes() == LONGER
    assert ranges(server) == [None, f"bytes={CUT}-", None]


CUT_SHORT = reply("200 OK", b"01234", 'ETag: "1"', "Content-Length: 10")


@pytest.mark.usefixtures("server")
def test_a_server_may_send_the_rest_in_pieces(tmp_path: Path) -> None:
    pieces = [
        reply("206 Partial Content", rest, 'ETag: "1"', f"Content-Range: {told}", f"Content-Length: {len(rest)}")
        for rest, told in ((b"567", "bytes 5-7/10"), (b"89", "bytes 8-9/*"))
    ]
    with raw_server(CUT_SHORT, *pieces) as raw:
        fetch(raw.url, tmp_path / "file", delay=0)
    assert (tmp_path / "file").read_bytes() == b"0123456789"
    assert "Range:" not in raw.asked[0]
    for asked, start in zip(raw.asked[1:], (5, 8), strict=True):
        assert f"\r\nRange: bytes={start}-\r\n" in asked
        assert '\r\nIf-Range: "1"\r\n' in asked
        assert "\r\nAccept-Encoding: identity\r\n" in asked


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize(
    "headers",
    [
        ["Content-Range: bytes 4-8/10", 'ETag: "1"'],
        ["Content-Range: bytes 5-9/11", 'ETag: "1"'],
        ["Content-Range: bytes 5-9/10", 'ETag: "2"'],
        ["Content-Range: bytes 5-9/10", 'ETag: "1"', "Content-Encoding: gzip"],
        ["Content-Range: 5-9", 'ETag: "1"'],
        [],
    ],
    ids=str,
)
def test_a_rest_that_does_not_fit_is_dropped(tmp_path: Path, headers: list[str]) -> None:
    odd = reply("206 Partial Content", b"xxxxx", "Content-Length: 5", *headers)
    with raw_server(CUT_SHORT, odd, reply("200 OK", b"abcdefghij", "Content-Length: 10")) as raw:
        fetch(raw.url, tmp_path / "file", delay=0)
    assert (tmp_path / "file").read_bytes() == b"abcdefghij"
    assert "Range:" not in raw.asked[2]


def test_without_a_version_only_a_checksum_lets_a_download_go_on(server: DataServer, tmp_path: Path) -> None:
    server.fail("/file", Unversioned(CUT), Unversioned(), Unversioned(CUT), Unversioned())
    get(server, tmp_path / "known.bw", md5=MD5)
    assert ranges(server) == [None, f"bytes={CUT}-"]
    get(server, tmp_path / "unknown.bw")
    assert ranges(server)[2:] == [None, None]
    assert (tmp_path / "unknown.bw").read_bytes() == BODY


def spoil_part(part: Path, origin: Path) -> None:
    part.write_bytes(b"x" * (len(BODY) + 1))


def spoil_origin(part: Path, origin: Path) -> None:
    origin.write_text("{")


def lose_origin(part: Path, origin: Path) -> None:
    origin.unlink()


def lose_part(part: Path, origin: Path) -> None:
    part.unlink()


def change_url(part: Path, origin: Path) -> None:
    origin.write_text(origin.read_text().replace("/file", "/twin"))


@pytest.mark.parametrize("spoil", [spoil_part, spoil_origin, lose_origin, lose_part, change_url])
def test_a_part_that_cannot_be_continued_is_dropped(
    server: DataServer, tmp_path: Path, spoil: Callable[[Path, Path], None]
) -> None:
    interrupt(server, tmp_path / "file.bw")
    spoil(tmp_path / "file.bw.part", tmp_path / "file.bw.part.json")
    get(server, tmp_path / "file.bw")
    assert (tmp_path / "file.bw").read_bytes() == BODY
    assert ranges(server) == [None, None]


def test_a_killed_process_is_continued_by_another(server: DataServer, tmp_path: Path) -> None:
    server.fail("/file", Slow(1_000_000))
    child = start_child(server, tmp_path / "file.bw")
    wait_for_bytes(tmp_path / "file.bw.part", 300_000)
    child.send_signal(signal.SIGKILL)
    assert child.wait(timeout=20) == -signal.SIGKILL
    assert not (tmp_path / "file.bw").exists()
    have = (tmp_path / "file.bw.part").stat().st_size
    assert have < len(BODY)
    assert start_child(server, tmp_path / "file.bw").wait(timeout=20) == 0
    assert (tmp_path / "file.bw").read_bytes() == BODY
    assert names(tmp_path) == ["file.bw", "file.bw.json"]
    last = server.requests[-1]
    assert (last.range, last.status, last.sent) == (f"bytes={have}-", 206, len(BODY) - have)


# Several processes at once


def test_of_two_processes_one_downloads(server: DataServer, tmp_path: Path) -> None:
    server.fail("/file", Slow(4_000_000, times=ALWAYS))
    children = [start_child(server, tmp_path / "file.bw") for _ in range(2)]
    assert [child.wait(timeout=20) for child in children] == [0, 0]
    assert (tmp_path / "file.bw").read_bytes() == BODY
    assert names(tmp_path) == ["file.bw", "file.bw.json"]
    assert ranges(server) == [None]


def test_a_waiting_process_goes_on_where_a_killed_one_stopped(server: DataServer, tmp_path: Path) -> None:
    server.fail("/file", Slow(1_000_000))
    first = start_child(server, tmp_path / "file.bw")
    wait_for_bytes(tmp_path / "file.bw.part", 300_000)
    second = start_child(server, tmp_path / "file.bw")
    wait_for_bytes(tmp_path / "file.bw.part", 600_000)
    first.kill()
    first.wait(timeout=20)
    assert second.wait(timeout=20) == 0
    assert (tmp_path / "file.bw").read_bytes() == BODY
    assert len(ranges(server)) == 2
    assert ranges(server)[1] is not None


def test_many_threads_share_one_download(server: DataServer, tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        records = list(pool.map(lambda _: get(server, tmp_path / "file.bw"), range(16)))
    assert len(set(records)) == 1
    assert ranges(server) == [None]
    assert names(tmp_path) == ["file.bw", "file.bw.json"]


def test_a_lock_that_its_holder_deleted_keeps_nobody_away(
    server: DataServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While a process waits for one lock, a third may take the next, on a new file of that name."""
    lock, flock, waited_for = tmp_path / "file.bw.lock", fcntl.flock, []

    def watched(stream: BinaryIO, operation: int) -> None:
        if operation == fcntl.LOCK_EX:
            waited_for.append(stream)
        flock(stream, operation)

    def wait_until_waiting(times: int) -> None:
        until = time.monotonic() + 20
        while len(waited_for) < times:
            assert time.monotonic() < until
            time.sleep(0.01)

    monkeypatch.setattr(fcntl, "flock", watched)
    with ThreadPoolExecutor(1) as pool:
        with lock.open("ab") as first:
            flock(first, fcntl.LOCK_EX)
            done = pool.submit(get, server, tmp_path / "file.bw")
            wait_until_waiting(1)
            lock.unlink()
            with lock.open("ab") as second:
                flock(second, fcntl.LOCK_EX)
                first.close()
                wait_until_waiting(2)
                assert server.requests == ()
        assert done.result(timeout=20).md5 == MD5
    assert names(tmp_path) == ["file.bw", "file.bw.json"]


# Checks before a file gets its name


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"md5": "0" * 32}, [f"MD5 {MD5}", f"expected MD5 {'0' * 32}"]),
        ({"sha256": "0" * 64}, [f"SHA-256 {SHA256}", f"expected SHA-256 {'0' * 64}"]),
        ({"size": 5}, ["found 2,500,000 bytes", "expected 5 bytes"]),
        ({"size": 5, "md5": MD5}, ["found 2,500,000 bytes", "expected 5 bytes"]),
        ({"kind": Kind.BIGWIG}, ["expected a bigWig file"]),
    ],
)
def test_a_wrong_file_is_refused(server: DataServer, tmp_path: Path, given: dict, words: list[str]) -> None:
    check_refused(server, tmp_path / "file.bw", *words, **given)
    assert names(tmp_path) == []
    assert len(server.requests) == 1


@pytest.mark.usefixtures("server")
def test_a_given_size_is_checked_where_the_server_tells_none(tmp_path: Path) -> None:
    with raw_server(reply("200 OK", b"short", "Connection: close")) as raw, pytest.raises(InputError) as refused:
        fetch(raw.url, tmp_path / "file.bw", size=6)
    assert str(refused.value) == f"{raw.url}: found 5 bytes; expected 6 bytes"
    assert names(tmp_path) == []


@pytest.mark.parametrize("fault", [WrongBytes(), WrongLength(-10)], ids=str)
def test_wrong_bytes_are_refused_and_not_continued(server: DataServer, tmp_path: Path, fault: Fault) -> None:
    server.fail("/file", fault)
    check_refused(server, tmp_path / "file.bw", "found MD5", md5=MD5)
    assert names(tmp_path) == []
    get(server, tmp_path / "file.bw", md5=MD5)
    assert (tmp_path / "file.bw").read_bytes() == BODY


def test_wrong_bytes_in_the_rest_are_refused(server: DataServer, tmp_path: Path) -> None:
    server.fail("/file", Cut(CUT), WrongBytes())
    check_refused(server, tmp_path / "file.bw", "found MD5", md5=MD5)
    assert ranges(server) == [None, f"bytes={CUT}-"]
    assert names(tmp_path) == []


def test_wrong_bytes_in_an_old_part_are_refused(server: DataServer, tmp_path: Path) -> None:
    interrupt(server, tmp_path / "file.bw")
    (tmp_path / "file.bw.part").write_bytes(OTHER[:CUT])
    check_refused(server, tmp_path / "file.bw", "found MD5", md5=MD5)
    assert names(tmp_path) == []


def test_a_web_page_is_no_bigwig(server: DataServer, tmp_path: Path) -> None:
    server.fail("/file", Html())
    check_refused(server, tmp_path / "file.bw", "a web page", "expected a bigWig file", kind=Kind.BIGWIG)
    assert names(tmp_path) == []


def test_a_failed_download_keeps_the_old_file(server: DataServer, tmp_path: Path) -> None:
    (tmp_path / "file.bw").write_text("old")
    check_refused(server, tmp_path / "file.bw", md5="0" * 32)
    assert (tmp_path / "file.bw").read_text() == "old"


PACKED = gzip.compress(BODY, mtime=0)


@pytest.mark.parametrize("given", [{"md5": hashlib.md5(PACKED).hexdigest()}, {"size": len(PACKED)}])
def test_an_encoded_body_is_stored_as_sent_if_that_is_the_file(server: DataServer, tmp_path: Path, given: dict) -> None:
    server.fail("/file", GzipEncoding())
    get(server, tmp_path / "genome.fa.gz", **given)
    assert (tmp_path / "genome.fa.gz").read_bytes() == PACKED


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, ["Content-Encoding: gzip", "its MD5, SHA-256 or size"]),
        ({"md5": MD5}, ["MD5", "under Content-Encoding: gzip", f"expected MD5 {MD5}"]),
        ({"sha256": SHA256}, ["SHA-256", "under Content-Encoding: gzip"]),
        ({"size": len(BODY)}, [f"{len(PACKED):,} bytes under Content-Encoding: gzip", "expected 2,500,000 bytes"]),
    ],
)
def test_an_encoded_body_is_refused_otherwise(
    server: DataServer, tmp_path: Path, given: dict, words: list[str]
) -> None:
    server.fail("/file", GzipEncoding())
    check_refused(server, tmp_path / "file.bw", *words, **given)
    assert names(tmp_path) == []


def test_a_full_disk_is_told_before_the_body_comes(
    server: DataServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupt(server, tmp_path / "file.bw")
    left = len(BODY) - CUT
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=left - 1))
    for target, needed in ((tmp_path / "file.bw", left), (tmp_path / "new.bw", len(BODY))):
        with pytest.raises(InputError) as refused:
            get(server, target)
        found = f"{tmp_path}: found {left - 1:,} bytes free; expected {needed:,} bytes, needed for "
        assert str(refused.value) == found + server.url("/file")
    assert names(tmp_path) == ["file.bw.part", "file.bw.part.json"], "what is there is kept"
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=left))
    get(server, tmp_path / "file.bw")
    assert (tmp_path / "file.bw").read_bytes() == BODY


# Records and pins


@pytest.mark.parametrize("given", [{}, {"md5": MD5}, {"sha256": SHA256}, {"size": len(BODY)}, {"verify": True}])
def test_a_file_that_is_there_is_not_fetched_again(server: DataServer, tmp_path: Path, given: dict) -> None:
    first = get(server, tmp_path / "file.bw")
    assert get(server, tmp_path / "file.bw", **given) == first
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("damaged", "verify", "healed"),
    [(BODY[:-1], False, True), (OTHER, True, True), (OTHER, False, False)],
    ids=short_id,
)
def test_a_damaged_file_is_fetched_again(
    server: DataServer, tmp_path: Path, damaged: bytes, verify: bool, healed: bool
) -> None:
    get(server, tmp_path / "file.bw")
    (tmp_path / "file.bw").write_bytes(damaged)
    get(server, tmp_path / "file.bw", verify=verify)
    assert (tmp_path / "file.bw").read_bytes() == (BODY if healed else damaged)


def test_a_file_without_a_record_is_fetched(server: DataServer, tmp_path: Path) -> None:
    (tmp_path / "file.bw").write_bytes(OTHER)
    get(server, tmp_path / "file.bw")
    assert (tmp_path / "file.bw").read_bytes() == BODY


def test_what_is_pinned_must_come_again(server: DataServer, tmp_path: Path) -> None:
    get(server, tmp_path / "file.bw")
    pinned = (tmp_path / "file.bw.json").read_bytes()
    (tmp_path / "file.bw").unlink()
    server.add({"/file": OTHER})
    other = hashlib.md5(OTHER).hexdigest()
    check_refused(server, tmp_path / "file.bw", f"found MD5 {other}", f"expected MD5 {MD5} as fetched on", "delete")
    server.add({"/file": LONGER})
    check_refused(server, tmp_path / "file.bw", "found 2,500,001 bytes", f"expected 2,500,000 bytes, MD5 {MD5}")
    assert names(tmp_path) == ["file.bw.json"]
    assert (tmp_path / "file.bw.json").read_bytes() == pinned
    server.add({"/file": BODY})
    assert get(server, tmp_path / "file.bw").checksum is Checksum.PINNED
    assert (tmp_path / "file.bw").read_bytes() == BODY


def test_a_pin_lets_a_file_without_a_version_go_on(server: DataServer, tmp_path: Path) -> None:
    get(server, tmp_path / "file.bw")
    (tmp_path / "file.bw").unlink()
    server.fail("/file", Unversioned(CUT), Unversioned())
    get(server, tmp_path / "file.bw")
    assert ranges(server)[1:] == [None, f"bytes={CUT}-"]


def test_a_given_checksum_outranks_a_pin(server: DataServer, tmp_path: Path) -> None:
    get(server, tmp_path / "file.bw")
    server.add({"/file": OTHER})
    record = get(server, tmp_path / "file.bw", md5=hashlib.md5(OTHER).hexdigest())
    assert (tmp_path / "file.bw").read_bytes() == OTHER
    assert record.checksum is Checksum.PUBLISHED
    assert read_record(tmp_path / "file.bw") == record


def test_another_url_is_pinned_anew(server: DataServer, tmp_path: Path) -> None:
    get(server, tmp_path / "file.bw")
    server.add({"/twin": OTHER})
    assert get(server, tmp_path / "file.bw", "/twin").url == server.url("/twin")
    assert (tmp_path / "file.bw").read_bytes() == OTHER


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"url": 1}', "\xff"])
def test_a_broken_record_is_told(server: DataServer, tmp_path: Path, text: str) -> None:
    get(server, tmp_path / "file.bw")
    (tmp_path / "file.bw.json").write_text(text, encoding="latin-1")
    with pytest.raises(InputError, match="expected a record of a download") as refused:
        get(server, tmp_path / "file.bw")
    assert str(refused.value).startswith(str(tmp_path / "file.bw.json"))


# Listings, digests


LISTING = f"{MD5}  hg38.fa.gz\n{'a' * 32} *b.gtf.gz\r\n{'C' * 32}  ./dir/c d.gz\n\n{'e' * 32}  hg38xfa.gz\n"


@pytest.mark.parametrize(
    ("name", "md5"), [("hg38.fa.gz", MD5), ("b.gtf.gz", "a" * 32), ("dir/c d.gz", "c" * 32), ("hg38xfa.gz", "e" * 32)]
)
def test_a_published_md5_is_found(name: str, md5: str) -> None:
    assert published_md5(LISTING, name) == md5


def test_coreutils_listings_are_read(tmp_path: Path) -> None:
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text(name)
    for options in ([], ["--binary"]):
        for names_given in (["a.txt", "b.txt"], ["./a.txt", "./b.txt"]):
            command = ["md5sum", *options, *names_given]
            listing = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
            assert published_md5(listing, "b.txt") == file_md5(tmp_path / "b.txt")


@pytest.mark.parametrize(
    ("listing", "words"),
    [
        ("", "0 other files"),
        (LISTING, "4 other files"),
        ("<html>hg38</html>", "0 other files"),
        (f"{'a' * 32}  x\n{'b' * 32}  x\n", f"{'a' * 32} and {'b' * 32}"),
    ],
)
def test_a_listing_without_the_file_is_refused(listing: str, words: str) -> None:
    with pytest.raises(InputError) as refused:
        published_md5(listing, "x", where="http://h/md5sum.txt")
    assert str(refused.value) == f"http://h/md5sum.txt: found {words}; expected one MD5 of x"


def test_md5_of_files(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"abc")
    assert file_md5(path) == "900150983cd24fb0d6963f7d28e17f72"  # RFC 1321, A.5
    verify_md5(path, "900150983CD24FB0D6963F7D28E17F72")
    verify_md5(path, None)
    with pytest.raises(InputError, match="MD5 900150983cd24fb0d6963f7d28e17f72; expected MD5 d41d8c") as refused:
        verify_md5(path, "d41d8cd98f00b204e9800998ecf8427e")
    assert str(refused.value).startswith(str(path))


# Content


def bigwig(folder: Path) -> bytes:
    path = folder / "written.bw"
    with pyBigWig.open(str(path), "w") as writer:
        writer.addHeader([("chr1", 1000)])
        writer.addEntries(["chr1"], [0], ends=[10], values=[1.0])
    return path.read_bytes()


def bgzf(text: bytes) -> bytes:
    """One block, by the SAM specification 4.1, and the end mark."""
    packer = zlib.compressobj(wbits=-15)
    packed = packer.compress(text) + packer.flush()
    extra = b"BC" + (2).to_bytes(2, "little") + (len(packed) + 25).to_bytes(2, "little")
    head = b"\x1f\x8b\x08\x04" + bytes(5) + b"\xff" + (6).to_bytes(2, "little") + extra
    return head + packed + zlib.crc32(text).to_bytes(4, "little") + len(text).to_bytes(4, "little") + BGZF_END


FASTA = b">chr1 first\n" + b"ACGTTGCAAC\n" * 20_000
GTF = b'##description: genes\n\nchr1\tHAVANA\tgene\t100\t200\t.\t+\t.\tgene_id "A";\n'
BED = b"chr1\t10\t20\tHigh Signal Region\n"
PAGE = b"\n<!DOCTYPE html><html><body>Please log in.</body></html>"


@pytest.mark.parametrize("pack", [bytes, lambda text: gzip.compress(text, mtime=0), bgzf], ids=["plain", "gz", "bgzf"])
@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (Kind.FASTA, FASTA[:50_000]),
        (Kind.GTF, GTF),
        (Kind.BED, BED),
        (Kind.BED, b"track name=x\nbrowser position\n#chrom\nchr1 1 2\n"),
    ],
    ids=short_id,
)
def test_good_content(tmp_path: Path, kind: Kind, text: bytes, pack: Callable[[bytes], bytes]) -> None:
    (tmp_path / "file").write_bytes(pack(text))
    assert not pack(text).startswith(b"\x1f\x8b") or gzip.decompress(pack(text)) == text
    check_content(tmp_path / "file", kind)


def test_good_bigwig(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(bigwig(tmp_path))
    check_content(tmp_path / "file", Kind.BIGWIG)


@pytest.mark.parametrize(
    ("kind", "content", "words"),
    [
        *[(kind, b"", "no data") for kind in Kind],
        *[(kind, PAGE, "a web page") for kind in Kind],
        *[(kind, gzip.compress(PAGE), "a web page") for kind in (Kind.FASTA, Kind.GTF, Kind.BED)],
        *[(kind, b"\x1f\x8b\x08", "gzip without its end") for kind in (Kind.FASTA, Kind.GTF, Kind.BED)],
        *[(kind, b"\x1f\x8b\x09" + bytes(40), "damaged gzip") for kind in (Kind.FASTA, Kind.GTF, Kind.BED)],
        (Kind.BIGWIG, b"\x26\xfc\x8f\x88", "its magic number at the end too"),
        (Kind.BIGWIG, FASTA, "expected a bigWig file"),
        (Kind.FASTA, FASTA[1:], "expected FASTA"),
        (Kind.FASTA, gzip.compress(FASTA, compresslevel=0)[:150_000], "gzip without its end"),
        (Kind.FASTA, bgzf(FASTA[:50_000])[:-5], "blocked gzip without its end"),
        (Kind.GTF, GTF.replace(b"\t.\t+", b"\t+"), "expected GTF, with 9 columns"),
        (Kind.GTF, GTF.replace(b"100", b"one"), "expected GTF, with 9 columns"),
        (Kind.GTF, b"# only a comment\n", "expected GTF"),
        (Kind.GTF, BED, "expected GTF"),
        (Kind.BED, b"chr1\t10\n", "expected BED, with 3 columns"),
        (Kind.BED, b"not a bed\n", "expected BED"),
        (Kind.BED, GTF, "expected BED"),
    ],
    ids=short_id,
)
def test_bad_content(tmp_path: Path, kind: Kind, content: bytes, words: str) -> None:
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(InputError) as refused:
        check_content(tmp_path / "file", kind)
    assert str(refused.value).startswith(f"{tmp_path / 'file'}: found ")
    assert words in str(refused.value)


@pytest.mark.parametrize("cut", [1, 4, 100])
def test_a_cut_bigwig_is_refused(tmp_path: Path, cut: int) -> None:
    (tmp_path / "file").write_bytes(bigwig(tmp_path)[:-cut])
    with pytest.raises(InputError, match="magic number at the end"):
        check_content(tmp_path / "file", Kind.BIGWIG)


def test_size_and_md5_of_a_local_file_beside_an_unrelated_record(tmp_path: Path) -> None:
    """Only a run's link to a download has a record; what stands beside a user's own file is the user's."""
    (tmp_path / "mine.bw").write_bytes(b"1234")
    (tmp_path / "mine.bw.json").write_text('{"notes": "of the user"}')
    assert size_and_md5(tmp_path / "mine.bw") == (4, hashlib.md5(b"1234").hexdigest())
