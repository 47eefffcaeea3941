"""Sheets as R and Excel write them, and ours, which come back as they were whatever their cells hold."""

import csv
import random
from pathlib import Path

import pandas as pd
import pytest

from rnatracks.errors import InputError
from rnatracks.samples.sample import CellType, Rejected, Sample, SampleNotes, SignalFile
from rnatracks.samples.sheet_rows import read_rows, write_sheet
from rnatracks.samples.sheets import read_cell_types, read_samples, write_rejected, write_rows
from rnatracks.vocabulary import Source, Strand

B = CellType("B")


def rows_of(path: Path, text: str) -> list[dict[str, str]]:
    """Cells of a sheet with a column of names, one of paths and one of notes, by row; spaces for tabs in its header."""
    path.write_text("name path note".replace(" ", "\t") + "\n" + text, encoding="utf-8")
    return [dict(row.cells) for row in read_rows(path, ("name", "path"), ("note", "more"), ("name",), ("note",))]


@pytest.mark.parametrize(
    ("line", "cells"),
    [
        ('"b"\t"p.bw"\t"a note"', ("b", "p.bw", "a note")),
        ('b\t"my p.bw"\t"a ""note"" of mine"', ("b", "my p.bw", 'a "note" of mine')),
        ('b\tp.bw\t"tab\there"', ("b", "p.bw", "tab here")),
        ('"b"\t"p.bw"\t"5\\" of it"', ("b", "p.bw", '5" of it')),  # write.table's qmethod = "escape"
        ('"b"\t"p.bw"\t"\\"all\\""', ("b", "p.bw", '"all"')),
        ('"b"\t"C:\\data\\"\t""', ("b", "C:\\data\\", "")),
        ("b\tp.bw\t5' and 3' \"ends\"", ("b", "p.bw", "5' and 3' \"ends\"")),
        ("b\tp.bw", ("b", "p.bw", "")),
        ("b\tp.bw\t\t\t", ("b", "p.bw", "")),
        ('"b"\t"p.bw"\t""\t""\t""', ("b", "p.bw", "")),
        ("\u00a0b\u00a0\t p.bw \t\u00a0 a\u00a0note\u00a0", ("b", "p.bw", "a\u00a0note")),
        ('"b" \t "\u00a0p.bw "\t "note" ', ("b", "p.bw", "note")),
        ('"NA"\tNA\tNA', ("NA", "", "")),
        ("b\tmy  p.bw\ttwo  blanks", ("b", "my  p.bw", "two  blanks")),
    ],
)
def test_a_line_of_another_program_is_read(tmp_path: Path, line: str, cells: tuple[str, ...]) -> None:
    (row,) = rows_of(tmp_path / "s.tsv", f"{line}\n")
    assert row == dict(zip(("name", "path", "note"), cells, strict=True)) | {"more": ""}


def test_empty_columns_and_quoted_headers_are_read(tmp_path: Path) -> None:
    path = tmp_path / "cell_types.tsv"
    path.write_text(
        '"cell_type"\t"ontology"\t"description"\t\t""\t\n"B"\t""\t"it""s"\t\t\t\n\t\t\t\t\t\n"T"\t\t\n""\t""\n'
    )
    assert read_cell_types(path) == [CellType("B", description='it"s'), CellType("T")]


@pytest.mark.parametrize(
    ("line", "place", "found"),
    [
        ('c\t"p.bw\tnote', "line 3", "a quoted cell that cannot be read"),
        ('c\tp.bw\t"5 to 3', "line 3", "a quoted cell that cannot be read"),
        ('c\tp.bw\t"naive" T cells', "line 3", "a quoted cell that cannot be read"),
        ('c\tp.bw\t"first\nd\tq.bw\tsecond"', "line 3", "a quoted cell that cannot be read"),
        ("c\tp.bw\tnote\tmore", "line 3", "4 cells"),
        ('c\t"p\t.bw"\t', "line 3, path", r"'p\t.bw'"),
        ("c\tp\0.bw\t", "line 3, path", r"'p\x00.bw'"),
        ("c\x07\tp.bw\t", "line 3, name", r"'c\x07'"),
        ("c\tp.bw\t</script>", "line 3, note", "'</script>'"),
        ('c\t"<!--p.bw"\t', "line 3, path", "'<!--p.bw'"),
    ],
)
def test_a_line_that_cannot_be_read_is_named(tmp_path: Path, line: str, place: str, found: str) -> None:
    """It swallows no line below it."""
    path = tmp_path / "s.tsv"
    with pytest.raises(InputError) as caught:
        rows_of(path, f'b\tp.bw\tnote\n{line}\ne\t"p.bw"\tnote\n')
    assert str(caught.value).startswith(f"{path}, {place}: found {found}")
    assert len(str(caught.value).splitlines()) == 1


def test_a_column_without_a_name_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "cell_types.tsv"
    path.write_text("cell_type\t\tontology\tdescription\nB\t1\t\t\n")
    with pytest.raises(InputError, match="line 1: found an unknown column ''"):
        read_cell_types(path)


def test_random_cells_come_back_and_agree_with_csv_and_pandas(tmp_path: Path) -> None:
    """Cells of what may be odd in one; control characters are blanks from then on."""
    rng = random.Random(0)
    pieces = ['"', "'", "\t", "\n", "\r\n", "\x0b", "\u2028", "\0", " ", "\u00a0", "a", "é", "\\", ",", "#", "NA"]
    path = tmp_path / "s.tsv"
    columns = ("name", "path", "note")
    for _ in range(200):
        given = [["".join(rng.choices(pieces, k=rng.randrange(6))) for _ in "pn"] for _ in range(3)]
        write_sheet(path, columns, [{"name": f"s{n}", "path": p, "note": q} for n, (p, q) in enumerate(given)])
        plain = [[blank_controls(cell).strip() for cell in cells] for cells in given]
        expected = [[f"s{number}", *cells] for number, cells in enumerate(plain)]
        with path.open(encoding="utf-8", newline="") as stream:
            assert [*csv.reader(stream, delimiter="\t")][1:] == expected
        table = pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False)
        assert table.to_numpy().tolist() == expected
        rows = read_rows(path, columns, (), ("name",), ("note",))
        missing = [[row[0], *("" if cell == "NA" else cell for cell in row[1:])] for row in expected]
        assert [[row[column] for column in columns] for row in rows] == missing


def blank_controls(text: str) -> str:
    """Each run of control characters as one blank, one character at a time."""
    made = ""
    control = False
    for character in text:
        now = character in "\t\n\r\x0b\u2028\0"
        made += "" if now and control else " " if now else character
        control = now
    return made


def test_a_resolved_sheet_keeps_quotes_and_loses_line_ends(tmp_path: Path) -> None:
    provenance = SampleNotes(donor='the "first"\tdonor', reason='"quoted"\nand\r\nbroken "', output_type='5" ends')
    given = Sample("b", "B", Source.LOCAL, {Strand.UNSTRANDED: SignalFile('my  "b".bw', accession='"x')}, provenance)
    write_rows(tmp_path / "s.tsv", [given.as_row()])
    (sample,) = read_samples(tmp_path / "s.tsv", [B])
    assert sample.files == given.files
    assert sample.provenance == SampleNotes(
        donor='the "first" donor', reason='"quoted" and broken "', output_type='5" ends'
    )
    write_rows(tmp_path / "again.tsv", [sample.as_row()])
    assert (tmp_path / "again.tsv").read_text() == (tmp_path / "s.tsv").read_text()


def test_rejected_files_keep_their_reasons(tmp_path: Path) -> None:
    write_rejected(tmp_path / "r.tsv", [Rejected("B", "x", "", 'the "signal"', "hg38\tp14", "NA", '"no\nway"')])
    (row,) = pd.read_csv(tmp_path / "r.tsv", sep="\t", dtype=str, keep_default_na=False).to_numpy().tolist()
    assert row == ["B", "x", "", 'the "signal"', "hg38 p14", "NA", '"no way"']


def test_a_sheet_of_r_is_that_of_a_person(real_data: Path) -> None:
    cases = real_data / "cases"
    cell_types = read_cell_types(cases / "clean/cell_types.tsv")
    assert read_samples(cases / "sheet_r/samples.tsv", cell_types) == read_samples(
        cases / "clean/samples.tsv", cell_types
    )


def test_a_quoted_query_is_sent_without_its_quotes(tmp_path: Path) -> None:
    path = tmp_path / "cell_types.tsv"
    path.write_text(
        '"cell_type"\t"ontology"\t"description"\t"encode_query"\t"stranded"\n'
        '"NK"\tNA\t"killers"\t"assay_title=total RNA-seq&biosample_ontology.term_id=CL:0000623"\t"yes"\n'
    )
    query = "assay_title=total RNA-seq&biosample_ontology.term_id=CL:0000623"
    assert read_cell_types(path) == [CellType("NK", None, "killers", query, None, True)]
