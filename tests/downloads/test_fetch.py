"""Downloads from a server on 127.0.0.1 that answers well, badly, and not at all."""

import json
import logging
import random
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from servers.encode import EncodeLibrary
from servers.faults import (
    ALWAYS,
    Cut,
    Fault,
    Forbidden,
    IgnoreRange,
    RedirectLoop,
    Stall,
    Status,
    WrongLength,
)
from servers.server import DataServer

from downloads.server_runs import (
    BODY,
    CUT,
    ENCODE,
    MD5,
    SHA256,
    Unversioned,
    check_refused,
    get,
    names,
    ranges,
    raw_server,
    reply,
)
from rnatracks.downloads.data_file import DataFile, Kind
from rnatracks.downloads.fetch import fetch, fetch_and_link
from rnatracks.downloads.records import Checksum, read_record
from rnatracks.downloads.retry import Patience
from rnatracks.errors import InputError

# Whole downloads


@pytest.mark.parametrize("md5", [MD5, MD5.upper(), None])
@pytest.mark.parametrize("path", ["/file", ENCODE.href])
def test_a_good_file_arrives(server: DataServer, tmp_path: Path, path: str, md5: str | None) -> None:
    target = tmp_path / "new" / "file.bw"
    get(server, target, path, md5=md5)
    assert target.read_bytes() == BODY
    assert names(tmp_path) == ["file.bw", "file.bw.json"]
    assert ranges(server, path) == [None]


REGIONS = b"chr1\t0\t5\n"


@pytest.fixture
def regions(monkeypatch: pytest.MonkeyPatch) -> Iterator[DataFile]:
    """A BED file on a server."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with DataServer(EncodeLibrary(()), {"/regions.bed": REGIONS}) as running:
        yield DataFile(running.url("/regions.bed"), Kind.BED)


@pytest.mark.parametrize("results", ["results", "scratch"])
def test_a_project_that_moves_keeps_its_downloads(
    regions: DataFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, results: str
) -> None:
    """Also where the results folder is a link to a deeper one of the project."""
    project, moved = tmp_path / "project", tmp_path / "elsewhere" / "deep" / "moved"
    (project / "disk" / "of" / "mine").mkdir(parents=True)
    (project / "scratch").symlink_to("disk/of/mine")
    monkeypatch.chdir(project)
    link = Path(results) / "downloads" / "file.bed"
    fetch_and_link(regions, Path("downloads"), link)
    moved.parent.mkdir(parents=True)
    project.rename(moved)
    assert (moved / link).read_bytes() == REGIONS


def test_downloads_elsewhere_stay_where_a_project_leaves_them(
    regions: DataFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project, moved = tmp_path / "project", tmp_path / "deep" / "moved"
    project.mkdir()
    moved.parent.mkdir()
    monkeypatch.chdir(project)
    link = Path("results/downloads/file.bed")
    fetch_and_link(regions, tmp_path / "shared", link)
    project.rename(moved)
    assert (moved / link).read_bytes() == REGIONS


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
        fetch(raw.url, tmp_path / "file", patience=Patience(delay=0))
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
            fetch(url, tmp_path / "file.bw", patience=Patience(delay=0))
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
        fetch(raw.url, tmp_path / "file.bw", patience=Patience(delay=0))
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
