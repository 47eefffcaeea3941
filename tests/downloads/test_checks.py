"""What is checked before a file gets its name, and what its record and its pin are for."""

import gzip
import hashlib
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
from servers.faults import (
    Cut,
    Fault,
    GzipEncoding,
    Html,
    WrongBytes,
    WrongLength,
)
from servers.server import DataServer

from downloads.server_runs import (
    BODY,
    CUT,
    LONGER,
    MD5,
    OTHER,
    SHA256,
    Unversioned,
    check_refused,
    get,
    interrupt,
    names,
    ranges,
    raw_server,
    reply,
    short_id,
)
from rnatracks.downloads.data_file import Kind
from rnatracks.downloads.fetch import fetch
from rnatracks.downloads.records import Checksum, read_record
from rnatracks.errors import InputError

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
