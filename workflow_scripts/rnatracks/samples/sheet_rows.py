"""Tab-separated sheets, row by row: cells may be quoted as by R and Excel, and rows keep their line for errors."""

import csv
import io
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..downloads.locations import CONTROL, MARKUP
from ..errors import InputError
from ..files import read_text, write_text

MISSING_CELLS = "NA"  # as R writes a missing value


@dataclass(frozen=True)
class Row:
    """A line of a sheet; `cells` holds every column, empty where a value is missing."""

    sheet: Path
    line: int
    cells: Mapping[str, str]

    def __getitem__(self, column: str) -> str:
        return self.cells[column]

    def where(self, column: str) -> str:
        """Name of one of its cells, for errors."""
        return f"{self.sheet}, line {self.line}, {column}"

    def refuse(self, column: str, found: str, expected: str) -> InputError:
        """An error about one of its cells."""
        return InputError(self.where(column), found, expected)


def read_rows(
    path: Path, required: Collection[str], optional: Collection[str], names: Collection[str], notes: Collection[str]
) -> list[Row]:
    """Read a sheet; lines that are blank or start with # are comments.

    A cell may be quoted, with quotes inside it doubled or escaped by a backslash; a quoted cell may contain tabs but
    no line breaks. Blanks around a cell and empty cells at the end of a line are ignored. NA is an empty cell.

    Parameters
    ----------
    required, optional
        Columns that the sheet must have, and others that it may have.
    names
        Columns of names, in which NA is a name.
    notes
        Columns of free text, in which a tab counts as a blank.

    Raises
    ------
    InputError
        For the first line that cannot be read, unknown column, or cell with a control character or with text that
        could end a script in a page.
    """
    if not path.is_file():
        raise InputError(path, "no such file", "a tab-separated sheet")
    lines = (
        (number, _split(line, f"{path}, line {number}"))
        for number, line in enumerate(read_text(path).split("\n"), start=1)
        if line.strip() and not line.startswith("#")
    )
    numbered = [(number, cells) for number, cells in lines if any(cells)]
    columns = f"tab-separated columns {', '.join(required)}, and optionally {', '.join(optional)}"
    if not numbered:
        raise InputError(path, "no header line", columns)
    header_line, header = numbered[0]
    _trim(header, 0)
    where = f"{path}, line {header_line}"
    for column in required:
        if column not in header:
            raise InputError(where, f"no column {column!r}", columns)
    for column in header:
        if column not in required and column not in optional:
            raise InputError(where, f"an unknown column {column!r}", columns)
        if header.count(column) > 1:
            raise InputError(where, f"column {column!r} twice", "each column once")
    rows = []
    for number, cells in numbered[1:]:
        _trim(cells, len(header))
        if len(cells) > len(header):
            raise InputError(
                f"{path}, line {number}", f"{len(cells)} cells", f"at most {len(header)}, as in the header"
            )
        # An editor may have dropped empty cells at the end of the line.
        cells += [""] * (len(header) - len(cells))
        missing = dict.fromkeys(set(optional) - set(header), "")
        row = Row(path, number, dict(zip(header, cells, strict=True)) | missing)
        rows.append(Row(path, number, {column: _read_cell(row, column, names, notes) for column in row.cells}))
    return rows


def write_sheet(path: Path, columns: Sequence[str], rows: Iterable[Mapping[str, str]]) -> None:
    """Write rows, given by column, as a sheet that `read_rows` and pandas can read; missing cells are empty.

    Cells that contain a quote are quoted. Tabs, line breaks and other control characters become blanks.
    """
    text = io.StringIO()
    writer = csv.writer(text, delimiter="\t", lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_plain(row.get(column, "")) for column in columns] for row in rows)
    write_text(path, text.getvalue())


def _split(line: str, where: str) -> list[str]:
    """Cells of a line, without their quotes and without blanks around them, inside or outside quotes."""
    trimmed = "\t".join(cell.strip() for cell in line.split("\t"))
    for text in (trimmed, trimmed.replace('\\"', '""')):  # R's write.table escapes quotes by default
        try:
            (cells,) = csv.reader([text], delimiter="\t", strict=True)
        except csv.Error as error:
            problem = error
        else:
            return [cell.strip() for cell in cells]
    raise InputError(
        where, f"a quoted cell that cannot be read ({problem})", "a closing quote, and quotes inside doubled"
    )


def _trim(cells: list[str], least: int) -> None:
    """Remove empty cells from the end, but keep at least a number of cells."""
    while len(cells) > least and not cells[-1]:
        cells.pop()


def _read_cell(row: Row, column: str, names: Collection[str], notes: Collection[str]) -> str:
    cell = _plain(row[column]) if column in notes else row[column]
    if cell == MISSING_CELLS and column not in names:
        return ""
    if CONTROL.search(cell):
        raise row.refuse(column, repr(cell), "text without control characters")
    if found := MARKUP.search(cell):
        raise row.refuse(column, repr(cell), f"text without {found[0]}")
    return cell


def _plain(text: str) -> str:
    return CONTROL.sub(" ", text).strip()
