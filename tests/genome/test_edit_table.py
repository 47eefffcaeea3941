"""Tables of edits, with and without a header line, and what is wrong in them."""

import gzip
from pathlib import Path

import pytest
from models import write_fasta

from rnatracks.errors import InputError
from rnatracks.genome.edit_table import NamedEdit, read_edits
from rnatracks.genome.edits import Edit
from rnatracks.genome.sequence import Genome

LINES = ["construct\t2\t5\tacgtt\tswap", "construct\t7\t7\tGG", "other\t0\t4\t.\tcut"]
EDITS = [
    NamedEdit(Edit("construct", 2, 5, b"ACGTT"), "swap"),
    NamedEdit(Edit("construct", 7, 7, b"GG"), ""),
    NamedEdit(Edit("other", 0, 4, b""), "cut"),
]
HEADER = "chrom\tstart\tend\treplacement\tname"


@pytest.fixture
def genome(tmp_path: Path) -> Genome:
    return Genome(write_fasta(tmp_path / "constructs.fa", {"construct": "ACGTACGTAC", "other": "GGGGGG"}))


@pytest.mark.parametrize(
    "text",
    [
        "\n".join(LINES),
        "\n".join([HEADER, *LINES, ""]),
        "\r\n".join(["#" + HEADER, "# a comment", "", *LINES, ""]),
        "\n".join([HEADER.title(), *(line + "\t" * (6 - line.count("\t")) for line in LINES)]),
    ],
    ids=["bare", "header", "comments and CRLF", "spreadsheet"],
)
def test_edits_are_read_with_and_without_a_header(tmp_path: Path, genome: Genome, text: str) -> None:
    (tmp_path / "edits.tsv").write_bytes(text.encode())
    assert read_edits(tmp_path / "edits.tsv", genome) == EDITS
    (tmp_path / "edits.tsv.gz").write_bytes(gzip.compress(text.encode()))
    assert read_edits(tmp_path / "edits.tsv.gz", genome) == EDITS


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["construct\t2\t5"], "line 1: found 3 columns; expected chrom, start, end, replacement and perhaps name"),
        (["construct 2 5 A"], "line 1: found 1 columns"),
        ([HEADER, "construct\t2\t5\tA\tname\tmore"], "line 2: found 6 columns"),
        (["construct\t5\t2\tA"], "line 1: found start '5' and end '2'; expected whole numbers, 0 <= start <= end"),
        (["construct\tx\t2\tA"], "line 1: found start 'x' and end '2'"),
        (
            ["Construct\t2\t5\tA"],
            "line 1: found sequence 'Construct'; expected one of construct, other (the file",
        ),
        (["construct\t2\t11\tA"], "line 1: found end 11; expected a place within 10 bases"),
        (["construct\t2\t5\tAC-T"], "line 1: found replacement 'AC-T'; expected bases, or . for none"),
        (["construct\t2\t5\t"], "line 1: found replacement ''"),
        (["construct\t2\t2\t."], "line 1: found nothing replaced by nothing"),
        (["construct\t4\t6\t.", "construct\t2\t5\tA"], "line 1: found an edit that overlaps that of line 2"),
        (["construct\t4\t4\tA", "construct\t4\t4\tC"], "line 2: found an edit that overlaps that of line 1"),
        ([HEADER], "found no edit; expected lines of chrom, start, end, replacement, name"),
    ],
)
def test_a_bad_row_is_named_in_one_line(tmp_path: Path, genome: Genome, lines: list[str], message: str) -> None:
    path = tmp_path / "edits.tsv"
    path.write_text("\n".join(lines))
    with pytest.raises(InputError) as caught:
        read_edits(path, genome)
    assert str(caught.value).startswith((f"{path}, {message}", f"{path}: {message}"))


def test_a_missing_table_is_refused(tmp_path: Path, genome: Genome) -> None:
    with pytest.raises(InputError, match="none.tsv: found no such file"):
        read_edits(tmp_path / "none.tsv", genome)
