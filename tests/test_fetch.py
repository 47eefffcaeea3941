"""Downloads from a server on 127.0.0.1 that answers well, badly, and not at all."""

import gzip
import hashlib
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from rnatracks import fetch as downloads
from rnatracks.errors import InputError
from rnatracks.fetch import fetch, file_md5, verify_md5

BODY = b"coverage " * 300_000  # more than two chunks
MD5 = hashlib.md5(BODY).hexdigest()
ZIPPED = gzip.compress(b">chr1\nACGT\n", mtime=0)


class Answers(BaseHTTPRequestHandler):
    """One path for every way in which a download may go."""

    def do_GET(self) -> None:
        self.server.asked[self.path] += 1
        asked = self.server.asked[self.path]
        match self.path:
            case "/good":
                self.answer(200, BODY)
            case "/empty":
                self.answer(200, b"")
            case "/unsized":
                self.answer(200, BODY, length=None)
            case "/cut":
                self.answer(200, BODY[:1000], length=len(BODY))
            case "/labelled.gz":
                self.answer(200, ZIPPED, encoding="gzip")
            case "/busy":
                self.answer(*((503, b"busy") if asked <= 3 else (200, BODY)))
            case "/broken":
                self.answer(500, b"broken")
            case "/moved":
                self.answer(302, b"", location="/good")
            case _:
                self.answer(404, b"<html>not here</html>")

    def answer(self, status: int, body: bytes, length: int | None = -1, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header({"encoding": "Content-Encoding", "location": "Location"}[name], value)
        if length is not None:
            self.send_header("Content-Length", str(len(body) if length == -1 else length))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Keep the test's output clean."""


class Server(ThreadingHTTPServer):
    """The answers, and how often each path was asked for."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.asked: Counter[str] = Counter()

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server_port}{path}"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(downloads, "RETRIES", downloads.RETRIES.new(backoff_factor=0, backoff_jitter=0))
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def check_refused(server: Server, path: str, folder: Path, *words: str, md5: str | None = None) -> None:
    target = folder / "new" / "file.bw"
    with pytest.raises(InputError) as refused:
        fetch(server.url(path), target, md5, timeout=5)
    line = str(refused.value)
    assert line.startswith(f"{server.url(path)}: found ")
    assert "\n" not in line
    for word in words:
        assert word in line
    assert [file for file in folder.rglob("*") if file.is_file()] == []


@pytest.mark.parametrize("md5", [MD5, MD5.upper(), None])
@pytest.mark.parametrize("path", ["/good", "/unsized", "/moved"])
def test_a_good_file_arrives(server: Server, tmp_path: Path, path: str, md5: str | None) -> None:
    fetch(server.url(path), tmp_path / "new" / "file.bw", md5)
    assert (tmp_path / "new" / "file.bw").read_bytes() == BODY
    assert [file.name for file in (tmp_path / "new").iterdir()] == ["file.bw"]
    assert server.asked[path] == 1


def test_an_empty_file_arrives(server: Server, tmp_path: Path) -> None:
    fetch(server.url("/empty"), tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == b""


def test_a_gzip_file_stays_gzipped_whatever_the_server_calls_it(server: Server, tmp_path: Path) -> None:
    fetch(server.url("/labelled.gz"), tmp_path / "genome.fa.gz", hashlib.md5(ZIPPED).hexdigest())
    assert (tmp_path / "genome.fa.gz").read_bytes() == ZIPPED


def test_a_busy_server_is_asked_again(server: Server, tmp_path: Path) -> None:
    fetch(server.url("/busy"), tmp_path / "file.bw", MD5)
    assert (tmp_path / "file.bw").read_bytes() == BODY
    assert server.asked["/busy"] == 4


def test_another_md5_is_refused(server: Server, tmp_path: Path) -> None:
    check_refused(server, "/good", tmp_path, f"MD5 {MD5}", f"expected MD5 {'0' * 32}", md5="0" * 32)


def test_a_missing_file_is_refused_at_once(server: Server, tmp_path: Path) -> None:
    check_refused(server, "/nothing", tmp_path, "HTTP status 404")
    assert server.asked["/nothing"] == 1


@pytest.mark.parametrize("md5", [MD5, None])
def test_a_cut_body_is_refused(server: Server, tmp_path: Path, md5: str | None) -> None:
    check_refused(server, "/cut", tmp_path, "1000 bytes read", md5=md5)


def test_a_broken_server_is_given_up_on(server: Server, tmp_path: Path) -> None:
    check_refused(server, "/broken", tmp_path, "500")
    assert server.asked["/broken"] == 6


def test_a_refused_connection_is_told(server: Server, tmp_path: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/file"
        with pytest.raises(InputError, match="refused") as refused:
            fetch(url, tmp_path / "file.bw")
    assert str(refused.value).startswith(url)
    assert list(tmp_path.iterdir()) == []


def test_a_silent_server_is_given_up_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(downloads, "RETRIES", downloads.RETRIES.new(total=1, backoff_factor=0, backoff_jitter=0))
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        with pytest.raises(InputError, match="time"):
            fetch(f"http://127.0.0.1:{silent.getsockname()[1]}/file", tmp_path / "file.bw", timeout=0.1)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("url", ["no url", "gopher://127.0.0.1/file", "http://"])
def test_what_is_no_web_address_is_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(InputError) as refused:
        fetch(url, tmp_path / "file.bw")
    assert str(refused.value).startswith(f"{url}: found ")
    assert list(tmp_path.iterdir()) == []


def test_a_failed_download_keeps_the_old_file(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file.bw").write_text("old")
    with pytest.raises(InputError):
        fetch(server.url("/good"), tmp_path / "file.bw", "0" * 32)
    assert (tmp_path / "file.bw").read_text() == "old"


def test_md5_of_files(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"abc")
    assert file_md5(path) == "900150983cd24fb0d6963f7d28e17f72"  # RFC 1321, A.5
    verify_md5(path, "900150983CD24FB0D6963F7D28E17F72")
    verify_md5(path, None)
    with pytest.raises(InputError, match="MD5 900150983cd24fb0d6963f7d28e17f72; expected MD5 d41d8c") as refused:
        verify_md5(path, "d41d8cd98f00b204e9800998ecf8427e")
    assert str(refused.value).startswith(str(path))
