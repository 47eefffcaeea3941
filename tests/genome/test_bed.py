"""BED files of any origin, against rows written down by hand."""

import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from rnatracks.errors import InputError
from rnatracks.genome.bed import read_bed

Region = tuple[str, int, int]


def rows(path: Path) -> list[Region]:
    table = read_bed(path)
    assert list(table.columns) == ["chrom", "start", "end"]
    assert table["start"].dtype == table["end"].dtype == np.int64
    return list(table.itertuples(index=False, name=None))


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
@pytest.mark.parametrize("name", ["regions.bed", "regions.bed.gz", "regions.bgz", "download"])
def test_content_decides_and_not_the_name(tmp_path: Path, pack: Callable[[bytes], bytes], name: str) -> None:
    path = tmp_path / name
    path.write_bytes(pack(b"# a comment\nchr1\t0\t10\tHigh Signal\n1\t5\t6\tLow\nNA\t2\t3\tLow\n"))
    assert rows(path) == [("chr1", 0, 10), ("1", 5, 6), ("NA", 2, 3)]


ODD: dict[str, tuple[str, list[Region]]] = {
    "empty": ("", []),
    "comments only": ("# nothing\n\n", []),
    "track and browser lines": (
        'browser position chr7:1-9\nbrowser hide all\ntrack name="a b"\nchr7 1 9\ntrack name=b\nchr8\t0\t5\n',
        [("chr7", 1, 9), ("chr8", 0, 5)],
    ),
    "contigs called track": ("track1\t0\t5\ntrackable 5 9\n", [("track1", 0, 5), ("trackable", 5, 9)]),
    "blanks for tabs": ("chr1 0  10 name 960 +\n  chr1\t10 20\n", [("chr1", 0, 10), ("chr1", 10, 20)]),
    "blanks within columns": ("chr1\t0\t10\tHigh Signal Region\n", [("chr1", 0, 10)]),
    "empty regions": ("chr1\t5\t5\nchr1\t0\t0\nchr1\t5\t6\n", [("chr1", 5, 6)]),
    "quotes": ('chr1\t0\t1\t"open\nchr1\t2\t3\t"\nchr1\t4\t5\t5"\n', [("chr1", 0, 1), ("chr1", 2, 3), ("chr1", 4, 5)]),
    "PanSN": ("HG002#1#chr1\t0\t10\nHG002#2#chr1\t5\t6\t#7\n", [("HG002#1#chr1", 0, 10), ("HG002#2#chr1", 5, 6)]),
    "byte order mark and CRLF": ("\ufeffchr1\t0\t10\r\nchr2\t0\t9\r\n", [("chr1", 0, 10), ("chr2", 0, 9)]),
    "line ends of old Macs": ("track name=x\rchr1\t0\t10\rchr2\t0\t9\r", [("chr1", 0, 10), ("chr2", 0, 9)]),
    "mark before a track line": ("\ufefftrack name=x\nchr1\t0\t10", [("chr1", 0, 10)]),
    "empty columns": ("chr1\t0\t10\t\t\t\n", [("chr1", 0, 10)]),
}


@pytest.mark.parametrize(("text", "expected"), ODD.values(), ids=ODD)
def test_odd_files_are_read(tmp_path: Path, text: str, expected: list[Region]) -> None:
    path = tmp_path / "regions.bed"
    path.write_text(text, encoding="utf-8", newline="")
    assert rows(path) == expected


@pytest.mark.parametrize(
    ("text", "line", "found"),
    [
        ("chr1\t0\t10\nchr1\tx\t10\n", 2, "start 'x' and end '10'"),
        ("chr1\t0\t10\n# five\nchr1\t5\n", 3, "'chr1\\t5'; expected BED: chromosome, start and end"),
        ("chr1\t0\t10.5\n", 1, "end '10.5'; expected whole numbers"),
        ("chr1\t9\t5\n", 1, "start '9' and end '5'; expected whole numbers, 0 <= start <= end"),
        ("chr1\t-1\t5\n", 1, "start '-1'"),
        ("chr1\t1e3\t5000\n", 1, "start '1e3'"),
        ("chr1\t\t5\n", 1, "start ''"),
        (f"chr1\t0\t{10**19}\n", 1, f"end '{10**19}'; expected whole numbers"),
        ("\t1\t5\n", 1, "no chromosome"),
        ("chrom\tstart\tend\n", 1, "start 'start'"),
    ],
)
def test_lines_that_are_no_region_are_refused(tmp_path: Path, text: str, line: int, found: str) -> None:
    path = tmp_path / "bad.bed"
    path.write_text(text)
    with pytest.raises(InputError) as refused:
        read_bed(path)
    assert str(refused.value).startswith(f"{path}, line {line}: found ")
    assert found in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_cut_bed_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "cut.bed.gz"
    path.write_bytes(gzip.compress(b"".join(b"chr1\t%d\t%d\n" % (at * 7919, at * 7919 + 5) for at in range(999)))[:-50])
    with pytest.raises(InputError, match="damaged gzip data"):
        read_bed(path)
