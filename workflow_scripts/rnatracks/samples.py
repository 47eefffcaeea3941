"""The two sheets that a user writes: samples and cell types."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl

from .config import NAME, NAME_RULE, is_url
from .errors import InputError, shorten
from .files import written_whole
from .terms import Source, Strand, Track

SAMPLE_COLUMNS = ("sample", "cell_type", "source", "plus", "minus", "unstranded")
SAMPLE_EXTRAS = ("md5_plus", "md5_minus", "md5_unstranded", "reason")
CELL_TYPE_COLUMNS = ("cell_type", "ontology", "description")
CELL_TYPE_EXTRAS = ("encode_query", "gtex_tissue", "stranded")
MD5 = re.compile(r"[0-9a-f]{32}")
ONTOLOGY_TERM = re.compile(r"[A-Za-z]+:[A-Za-z0-9_]+")
ENCODE_ACCESSION = re.compile(r"ENCFF[0-9]{3}[A-Z]{3}")


@dataclass(frozen=True)
class SignalFile:
    """A bigWig: accession, URL or path, and its MD5 where that is known."""

    location: str
    md5: str | None = None


@dataclass(frozen=True)
class Sample:
    """One RNA-seq sample: a plus and a minus file, or an unstranded one."""

    name: str
    cell_type: str
    source: Source
    files: Mapping[Strand, SignalFile]

    @property
    def stranded(self) -> bool:
        """Whether it has a file for each strand."""
        return Strand.UNSTRANDED not in self.files

    def as_row(self) -> dict[str, str]:
        """The sample's row of a sheet, by column; empty cells are left out."""
        cells = {"sample": self.name, "cell_type": self.cell_type, "source": str(self.source)}
        for strand, file in self.files.items():
            cells |= {str(strand): file.location} | ({f"md5_{strand}": file.md5} if file.md5 else {})
        return cells


@dataclass(frozen=True)
class CellType:
    """A cell type; `stranded` is None where only its samples tell."""

    name: str
    ontology: str | None = None
    description: str | None = None
    encode_query: str | None = None
    gtex_tissue: str | None = None
    stranded: bool | None = None


@dataclass(frozen=True)
class _Row:
    """A line of a sheet; `cells` holds every column, empty where a value is missing."""

    sheet: Path
    line: int
    cells: Mapping[str, str]

    def __getitem__(self, column: str) -> str:
        return self.cells[column]

    def refuse(self, column: str, found: str, expected: str) -> InputError:
        return InputError(f"{self.sheet}, line {self.line}, {column}", found, expected)


def read_cell_types(path: Path) -> list[CellType]:
    """Read the cell-type sheet, in its order.

    Parameters
    ----------
    path
        Tab-separated file with the columns of `config/schemas/cell_types.schema.yaml`.

    Raises
    ------
    InputError
        For the first thing that is wrong in it.
    """
    rows = _read_rows(path, CELL_TYPE_COLUMNS, CELL_TYPE_EXTRAS)
    if not rows:
        raise InputError(path, "no cell type", "one row for each")
    _check_names(rows, "cell_type")
    return [_cell_type(row) for row in rows]


def read_samples(path: Path, cell_types: Sequence[CellType]) -> list[Sample]:
    """Read the sample sheet, in its order.

    Parameters
    ----------
    path
        Tab-separated file with the columns of `config/schemas/samples.schema.yaml`.
        It may hold no row if every cell type has a query.
    cell_types
        As `read_cell_types` gives them.

    Raises
    ------
    InputError
        For the first thing that is wrong in it.
    """
    rows = _read_rows(path, SAMPLE_COLUMNS, SAMPLE_EXTRAS)
    _check_names(rows, "sample")
    by_name = {cell_type.name: cell_type for cell_type in cell_types}
    samples: list[Sample] = []
    stranded = {cell_type.name: cell_type.stranded for cell_type in cell_types}
    seen: dict[str, str] = {}  # file: where it is named
    for row in rows:
        sample = _sample(row, by_name)
        for strand, file in sample.files.items():
            if file.location in seen:
                raise row.refuse(strand, f"{file.location!r}, as in {seen[file.location]}", "each file once")
            seen[file.location] = f"line {row.line}, {strand}"
        expected = stranded[sample.cell_type]
        if expected is not None and sample.stranded is not expected:
            words = {True: "plus and minus", False: "unstranded"}
            raise row.refuse(
                "cell_type",
                f"{words[sample.stranded]} for {sample.cell_type!r}",
                f"{words[expected]}, as its other samples or the cell-type sheet say",
            )
        stranded[sample.cell_type] = sample.stranded
        samples.append(sample)
    sampled = {sample.cell_type for sample in samples}
    for cell_type in cell_types:
        if cell_type.name not in sampled and not (cell_type.encode_query or cell_type.gtex_tissue):
            raise InputError(
                path,
                f"no sample of cell type {cell_type.name!r}",
                "a row with it, or an encode_query or gtex_tissue in the cell-type sheet",
            )
    return samples


def write_rows(path: Path, rows: Iterable[Mapping[str, str]]) -> None:
    """Write rows by column, such as `Sample.as_row` gives, as a sheet that `read_samples` reads back."""
    columns = (*SAMPLE_COLUMNS, *SAMPLE_EXTRAS)
    lines = ["\t".join(columns), *("\t".join(row.get(column, "") for column in columns) for row in rows)]
    with written_whole(path) as partial:
        partial.write_text("\n".join(lines) + "\n")


def tracks_of(cell_type: CellType, samples: Sequence[Sample]) -> tuple[Track, ...]:
    """Tracks of a cell type: plus and minus, or unstranded.

    Parameters
    ----------
    samples
        All samples, as `read_samples` gives them with this cell type among its cell types.
    """
    stranded = cell_type.stranded
    if stranded is None:
        stranded = next(sample.stranded for sample in samples if sample.cell_type == cell_type.name)
    strands = (Strand.PLUS, Strand.MINUS) if stranded else (Strand.UNSTRANDED,)
    return tuple(Track(cell_type.name, strand) for strand in strands)


def check_local_files(
    samples: Sequence[Sample], made_by_workflow: Path | None = None, where: object = "sample sheet"
) -> list[Path]:
    """Check that every local file is there and not empty.

    Parameters
    ----------
    made_by_workflow
        Folder whose files the workflow makes itself; they are not looked for.
    where
        What the error line calls the sheet.

    Returns
    -------
    The files looked for.

    Raises
    ------
    InputError
        For the first file that is missing or empty.
    """
    found = []
    for sample in samples:
        if sample.source is not Source.LOCAL:
            continue
        for strand, file in sample.files.items():
            path = Path(file.location)
            if made_by_workflow is not None and path.resolve().is_relative_to(made_by_workflow.resolve()):
                continue
            place = f"{where}, sample {sample.name}, {strand}"
            if not path.is_file():
                raise InputError(place, f"{path}, which is no file", "a path relative to the working directory")
            if path.stat().st_size == 0:
                raise InputError(place, f"{path}, which is empty", "a bigWig file")
            found.append(path)
    return found


def _cell_type(row: _Row) -> CellType:
    if row["ontology"] and not ONTOLOGY_TERM.fullmatch(row["ontology"]):
        raise row.refuse("ontology", repr(row["ontology"]), "a term such as CL:0000623, or nothing")
    if row["encode_query"]:
        try:
            parse_qsl(row["encode_query"], strict_parsing=True)
        except ValueError as error:
            raise row.refuse("encode_query", repr(row["encode_query"]), "key=value joined by &") from error
    answers = {"": None, "yes": True, "no": False}
    if row["stranded"] not in answers:
        raise row.refuse("stranded", repr(row["stranded"]), "yes, no or nothing")
    stranded = answers[row["stranded"]]
    if row["gtex_tissue"]:
        if stranded:
            raise row.refuse("stranded", "'yes' with a gtex_tissue", "no: GTEx is unstranded")
        stranded = False
    if row["encode_query"] and stranded is None:
        raise row.refuse("stranded", "nothing", "yes or no, as encode_query is given")
    return CellType(
        name=row["cell_type"],
        ontology=row["ontology"] or None,
        description=row["description"] or None,
        encode_query=row["encode_query"] or None,
        gtex_tissue=row["gtex_tissue"] or None,
        stranded=stranded,
    )


def _sample(row: _Row, cell_types: Mapping[str, CellType]) -> Sample:
    if row["cell_type"] not in cell_types:
        raise row.refuse("cell_type", repr(row["cell_type"]), f"one of: {shorten(cell_types)}")
    if row["source"] not in [*Source]:
        raise row.refuse("source", repr(row["source"]), f"one of: {', '.join(Source)}")
    source = Source(row["source"])
    for strand, other in ((Strand.PLUS, Strand.MINUS), (Strand.MINUS, Strand.PLUS)):
        if row[strand] and not row[other]:
            raise row.refuse(other, "nothing", f"the {other} file that belongs to the {strand} file")
    if row["plus"] and row["unstranded"]:
        raise row.refuse("unstranded", "a file beside plus and minus", "plus and minus, or unstranded")
    if not row["plus"] and not row["unstranded"]:
        raise row.refuse("plus", "no file", "plus and minus, or unstranded")
    if source is Source.GTEX:
        if row["plus"]:
            raise row.refuse("plus", repr(row["plus"]), "a sample id under unstranded: GTEx is unstranded")
        if not cell_types[row["cell_type"]].gtex_tissue:
            raise row.refuse("source", "'gtex'", f"a gtex_tissue for {row['cell_type']!r} in the cell-type sheet")
    files = {}
    for strand in Strand:
        location, md5 = row[strand], row[f"md5_{strand}"]
        if location:
            _check_location(row, strand, source)
            files[strand] = SignalFile(location, md5 or None)
        if md5 and not location:
            raise row.refuse(f"md5_{strand}", repr(md5), f"nothing, as {strand} is empty")
        if md5 and not MD5.fullmatch(md5):
            raise row.refuse(f"md5_{strand}", repr(md5), "32 hex digits in lower case, or nothing")
    return Sample(row["sample"], row["cell_type"], source, files)


def _check_location(row: _Row, strand: Strand, source: Source) -> None:
    """Check that a file is named in the way of its source."""
    location = row[strand]
    match source:
        case Source.ENCODE:
            fits, expected = ENCODE_ACCESSION.fullmatch(location), "a file accession such as ENCFF123ABC"
        case Source.GTEX:
            fits, expected = NAME.fullmatch(location), "a recount3 sample id"
        case Source.URL:
            fits, expected = is_url(location), "a URL that starts with http://, https:// or ftp://"
        case Source.LOCAL:
            fits, expected = "://" not in location, "a path, as source is local"
    if not fits:
        raise row.refuse(strand, repr(location), expected)


def _check_names(rows: Sequence[_Row], column: str) -> None:
    """Check that the names in a column are well formed and differ."""
    lines: dict[str, int] = {}
    for row in rows:
        name = row[column]
        if not NAME.fullmatch(name):
            raise row.refuse(column, repr(name), NAME_RULE)
        if name in lines:
            raise row.refuse(column, f"{name!r}, as in line {lines[name]}", "each name once")
        lines[name] = row.line


def _read_rows(path: Path, required: Collection[str], optional: Collection[str]) -> list[_Row]:
    """Read a tab-separated sheet; lines that are blank or start with # are comments."""
    if not path.is_file():
        raise InputError(path, "no such file", "a tab-separated sheet")
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        raise InputError(path, f"bytes that are not UTF-8 ({error})", "a text file") from error
    numbered = [
        (number, [cell.strip() for cell in line.split("\t")])
        for number, line in enumerate(lines, start=1)
        if line.strip() and not line.startswith("#")
    ]
    columns = f"tab-separated columns {', '.join(required)}, and optionally {', '.join(optional)}"
    if not numbered:
        raise InputError(path, "no header line", columns)
    header_line, header = numbered[0]
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
        if len(cells) > len(header):
            raise InputError(
                f"{path}, line {number}", f"{len(cells)} cells", f"at most {len(header)}, as in the header"
            )
        # An editor may have dropped empty cells at the end of the line.
        cells += [""] * (len(header) - len(cells))
        missing = dict.fromkeys(set(optional) - set(header), "")
        rows.append(_Row(path, number, dict(zip(header, cells, strict=True)) | missing))
    return rows
