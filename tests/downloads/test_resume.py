"""Downloads that go on where they stopped, and several processes that want the same file."""

import fcntl
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO

import pytest
from servers.faults import (
    ALWAYS,
    Cut,
    Slow,
)
from servers.server import DataServer

from downloads.server_runs import (
    BODY,
    CUT,
    ENCODE,
    LONGER,
    MD5,
    OTHER,
    SHA256,
    Swapped,
    Unversioned,
    get,
    interrupt,
    names,
    ranges,
    raw_server,
    reply,
    start_child,
    wait_for_bytes,
)
from rnatracks.downloads.fetch import fetch
from rnatracks.downloads.retry import Patience

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
        fetch(raw.url, tmp_path / "file", patience=Patience(delay=0))
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
        fetch(raw.url, tmp_path / "file", patience=Patience(delay=0))
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
