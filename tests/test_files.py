"""Files are whole or absent."""

import gzip
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from rnatracks.files import atomic_gzip, atomic_write, write_json


def write_text(target: Path, text: str) -> None:
    with atomic_write(target) as partial:
        partial.write_text(text)


def write_gzip(target: Path, text: str) -> None:
    with atomic_gzip(target) as stream:
        stream.write(text)


def test_the_target_appears_at_the_end_of_the_block(tmp_path: Path) -> None:
    target = tmp_path / "new" / "folders" / "table.tsv.gz"
    with atomic_write(target) as partial:
        assert partial.parent == target.parent
        assert partial.suffixes[-2:] == [".tsv", ".gz"]
        partial.write_text("whole")
        assert not target.exists()
    assert target.read_text() == "whole"
    assert list(target.parent.iterdir()) == [target]


@pytest.mark.parametrize("open_whole", [atomic_write, atomic_gzip])
@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_a_failed_block_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, open_whole: Callable, error: type[BaseException]
) -> None:
    target = tmp_path / "table.tsv"
    target.write_text("old")
    with pytest.raises(error), open_whole(target) as opened:
        if isinstance(opened, Path):
            opened.write_text("half")
        else:
            opened.write("half")
        raise error
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_block_that_writes_nothing_fails(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), atomic_write(tmp_path / "table.tsv"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_an_old_file_is_replaced(tmp_path: Path) -> None:
    write_text(tmp_path / "a.txt", "first, and longer")
    write_text(tmp_path / "a.txt", "second")
    assert (tmp_path / "a.txt").read_text() == "second"


def test_gzipped_text_is_read_back_and_does_not_depend_on_name_or_time(tmp_path: Path) -> None:
    first, second = tmp_path / "a.gz", tmp_path / "another name.gz"
    text = "gène\t1\r\nNA\t2\n" * 1000
    write_gzip(first, text)
    write_gzip(second, text)
    assert gzip.decompress(first.read_bytes()).decode() == text
    assert first.read_bytes() == second.read_bytes()
    assert first.read_bytes()[3:8] == bytes(5), "no name in the gzip header, and no time"


def test_json(tmp_path: Path) -> None:
    @dataclass(frozen=True)
    class Record:
        name: str
        values: tuple[float, ...]

    write_json(tmp_path / "record.json", Record("a", (0.1, 2.0)))
    text = (tmp_path / "record.json").read_text()
    assert json.loads(text) == {"name": "a", "values": [0.1, 2.0]}
    assert text.endswith("}\n")
