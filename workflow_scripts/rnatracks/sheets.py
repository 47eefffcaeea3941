"""The two sheets that a user writes, samples and cell types: read, checked line by line, and written."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from urllib.parse import parse_qsl

from .errors import InputError, shorten
from .files import read_text, write_text
from .remote import is_url
from .samples import (
    ENCODE_EXPERIMENT,
    ENCODE_FILE,
    FILE_DETAILS,
    MD5,
    CellType,
    Provenance,
    Rejected,
    Sample,
    SignalFile,
)
from .terms import NAME, NAME_RULE, Source, Strand

SAMPLE_COLUMNS = ("sample", "cell_type", "source", "plus", "minus", "unstranded")
SAMPLE_EXTRAS = (
    *(f"{detail}_{strand}" for detail in FILE_DETAILS for strand in Strand),
    *("experiment", "donor", "replicates", "output_type", "read_length", "date_asked", "reason"),
)
CELL_TYPE_COLUMNS = ("cell_type", "ontology", "description")
CELL_TYPE_EXTRAS = ("encode_query", "gtex_tissue", "stranded")
QUERY_KEYS_OF_OURS = ("type", "format", "frame", "limit", "field")  # what kind of answer a search gives
GTEX_TISSUE = re.compile(r"[A-Z][A-Z0-9_]*(:\s*\S.*)?")
ONTOLOGY_TERM = re.compile(r"[A-Za-z]+:[A-Za-z0-9_]+")


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
        named = {str(strand): file.location for strand, file in sample.files.items()}
        for column, location in (named or {"experiment": row["experiment"]}).items():
            if location in seen:
                raise row.refuse(column, f"{location!r}, as in {seen[location]}", "each file once")
            seen[location] = f"line {row.line}, {column}"
        if not sample.files:
            samples.append(sample)
            continue
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
    _write_table(path, columns, rows)


def write_rejected(path: Path, rejected: Iterable[Rejected]) -> None:
    """Write the files that were not taken as a tab-separated table."""
    _write_table(path, [field.name for field in fields(Rejected)], map(asdict, rejected))


def _write_table(path: Path, columns: Collection[str], rows: Iterable[Mapping[str, str]]) -> None:
    lines = ["\t".join(columns), *("\t".join(row.get(column, "") for column in columns) for row in rows)]
    write_text(path, "\n".join(lines) + "\n")


def _cell_type(row: _Row) -> CellType:
    if row["ontology"] and not ONTOLOGY_TERM.fullmatch(row["ontology"]):
        raise row.refuse("ontology", repr(row["ontology"]), "a term such as CL:0000623, or nothing")
    if row["encode_query"]:
        try:
            filters = parse_qsl(row["encode_query"], strict_parsing=True)
        except ValueError as error:
            raise row.refuse("encode_query", repr(row["encode_query"]), "key=value joined by &") from error
        for key, value in filters:
            if key.removesuffix("!") in QUERY_KEYS_OF_OURS:
                ours = ", ".join(QUERY_KEYS_OF_OURS)
                raise row.refuse("encode_query", repr(f"{key}={value}"), f"filters only: the workflow sets {ours}")
    answers = {"": None, "yes": True, "no": False}
    if row["stranded"] not in answers:
        raise row.refuse("stranded", repr(row["stranded"]), "yes, no or nothing")
    stranded = answers[row["stranded"]]
    if row["gtex_tissue"]:
        if not GTEX_TISSUE.fullmatch(row["gtex_tissue"]):
            raise row.refuse("gtex_tissue", repr(row["gtex_tissue"]), "a project such as BLOOD:Whole Blood or LIVER")
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
    cell_type = cell_types[row["cell_type"]]
    _check_experiment(row, source, cell_type)
    if source is Source.GTEX:
        if row["plus"]:
            raise row.refuse("plus", repr(row["plus"]), "a sample id under unstranded: GTEx is unstranded")
        if not cell_type.gtex_tissue and not is_url(row["unstranded"]):
            raise row.refuse("source", "'gtex'", f"a gtex_tissue for {row['cell_type']!r} in the cell-type sheet")
    files = {strand: _signal_file(row, strand, source) for strand in Strand if row[strand]}
    for strand in (strand for strand in Strand if strand not in files):
        for detail in FILE_DETAILS:
            if row[f"{detail}_{strand}"]:
                raise row.refuse(
                    f"{detail}_{strand}", repr(row[f"{detail}_{strand}"]), f"nothing, as {strand} is empty"
                )
    if len({is_url(file.location) for file in files.values()}) > 1:
        raise row.refuse("minus", repr(row["minus"]), "two URLs or two accessions, as plus and minus belong together")
    provenance = Provenance(**{field.name: row[field.name] for field in fields(Provenance)})
    return Sample(row["sample"], row["cell_type"], source, files, provenance)


def _check_experiment(row: _Row, source: Source, cell_type: CellType) -> None:
    """Check that a row names files, or else an ENCODE experiment whose files can be told apart."""
    experiment, has_files = row["experiment"], bool(row["plus"] or row["unstranded"])
    if experiment and source is not Source.ENCODE:
        raise row.refuse("experiment", repr(experiment), f"nothing, as source is {source}")
    if experiment and not ENCODE_EXPERIMENT.fullmatch(experiment):
        raise row.refuse("experiment", repr(experiment), "an experiment accession such as ENCSR123ABC")
    if not experiment and not has_files:
        instead = ", or an accession under experiment" if source is Source.ENCODE else ""
        raise row.refuse("plus", "no file", f"plus and minus, or unstranded{instead}")
    if not has_files and cell_type.stranded is None:
        raise row.refuse(
            "experiment",
            f"{experiment!r} for {cell_type.name!r}, of which stranded is not said",
            "stranded yes or no in the cell-type sheet, because file names must be known before ENCODE is asked",
        )


def _signal_file(row: _Row, strand: Strand, source: Source) -> SignalFile:
    _check_location(row, strand, source)
    md5, size = row[f"md5_{strand}"], row[f"size_{strand}"]
    if md5 and not MD5.fullmatch(md5):
        raise row.refuse(f"md5_{strand}", repr(md5), "32 hex digits in lower case, or nothing")
    if size and not re.fullmatch("[1-9][0-9]*", size):
        raise row.refuse(f"size_{strand}", repr(size), "a number of bytes, or nothing")
    return SignalFile(row[strand], md5 or None, int(size) if size else None, row[f"accession_{strand}"] or None)


def _check_location(row: _Row, strand: Strand, source: Source) -> None:
    """Check that a file is named in the way of its source."""
    location = row[strand]
    match source:
        case Source.ENCODE:
            fits = ENCODE_FILE.fullmatch(location) or is_url(location)
            expected = "a file accession such as ENCFF123ABC, or a URL"
        case Source.GTEX:
            fits, expected = NAME.fullmatch(location) or is_url(location), "a recount3 sample id, or a URL"
        case Source.URL:
            fits, expected = is_url(location), "a URL that starts with http:// or https://"
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
    lines = read_text(path).split("\n")
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
