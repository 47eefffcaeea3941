"""The two sheets that a user writes, samples and cell types: read, checked line by line, and written."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from urllib.parse import parse_qsl

from ..downloads.data_file import is_url
from ..downloads.locations import check_location, normal_path, one_spelling
from ..errors import InputError, shorten
from ..vocabulary import NAME, NAME_RULE, Source, Strand
from .sample import (
    ENCODE_EXPERIMENT,
    ENCODE_FILE,
    FILE_DETAILS,
    MD5,
    CellType,
    Rejected,
    Sample,
    SampleNotes,
    SignalFile,
)
from .sheet_rows import Row, read_rows, write_sheet

SAMPLE_COLUMNS = ("sample", "cell_type", "source", "plus", "minus", "unstranded")
SAMPLE_EXTRAS = (
    *(f"{detail}_{strand}" for detail in FILE_DETAILS for strand in Strand),
    *("experiment", "donor", "replicates", "output_type", "read_length", "date_asked", "reason"),
)
CELL_TYPE_COLUMNS = ("cell_type", "ontology", "description")
CELL_TYPE_EXTRAS = ("encode_query", "gtex_tissue", "stranded")
FREE_NAMES = ("sample", "cell_type")
NOTE_COLUMNS = (
    *(f"accession_{strand}" for strand in Strand),
    *("donor", "replicates", "output_type", "read_length", "date_asked", "reason", "description"),
)
TAKEN_NAMES = ("sample", "component", "share_of_variance")  # columns of qc/*.tsv that are not samples
QUERY_KEYS_OF_OURS = ("type", "format", "frame", "limit", "field")  # they set the form of the response
QUERY_KEY = re.compile(r"[@\w][\w.@-]*!?")
GTEX_TISSUE = re.compile(r"[A-Z][A-Z0-9_]*(:\s*\S.*)?")
ONTOLOGY_TERM = re.compile(r"[A-Za-z]+:[A-Za-z0-9_]+")


def read_cell_types(path: Path) -> list[CellType]:
    """Read the cell-type sheet, in its order.

    Parameters
    ----------
    path
        Tab-separated file with the columns of `config/schemas/cell_types.schema.yaml`.

    Raises
    ------
    InputError
        For the first error in it.
    """
    rows = read_rows(path, CELL_TYPE_COLUMNS, CELL_TYPE_EXTRAS, FREE_NAMES, NOTE_COLUMNS)
    if not rows:
        raise InputError(path, "no cell type", "one row per cell type")
    _check_names(rows, "cell_type")
    _check_pairs(rows)
    return [_cell_type(row) for row in rows]


def read_samples(path: Path, cell_types: Sequence[CellType], excluded: Collection[str] = ()) -> list[Sample]:
    """Read the sample sheet, in its order.

    Parameters
    ----------
    path
        Tab-separated file with the columns of `config/schemas/samples.schema.yaml`.
        It may have no rows if every cell type has a query.
    cell_types
        As returned by `read_cell_types`.
    excluded
        Names of samples that are not used; other samples may have the same files.

    Raises
    ------
    InputError
        For the first error in it.
    """
    rows = read_rows(path, SAMPLE_COLUMNS, SAMPLE_EXTRAS, FREE_NAMES, NOTE_COLUMNS)
    _check_names(rows, "sample", TAKEN_NAMES)
    by_name = {cell_type.name: cell_type for cell_type in cell_types}
    samples: list[Sample] = []
    stranded = {cell_type.name: cell_type.stranded for cell_type in cell_types}
    seen: dict[str, str] = {}  # for each file or MD5, where it is named
    for row in rows:
        sample = _sample(row, by_name)
        samples.append(sample)
        if sample.name not in excluded:
            _check_files_once(row, sample, seen)
        if not sample.files:
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
    sampled = {sample.cell_type for sample in samples}
    for cell_type in cell_types:
        if cell_type.name not in sampled and not (cell_type.encode_query or cell_type.gtex_tissue):
            raise InputError(
                path,
                f"no sample of cell type {cell_type.name!r}",
                "a row for it, or an encode_query or gtex_tissue in the cell-type sheet",
            )
    return samples


def write_rows(path: Path, rows: Iterable[Mapping[str, str]]) -> None:
    """Write rows, as returned by `Sample.as_row`, as a sheet that `read_samples` can read."""
    write_sheet(path, (*SAMPLE_COLUMNS, *SAMPLE_EXTRAS), rows)


def write_rejected(path: Path, rejected: Iterable[Rejected]) -> None:
    """Write the rejected files as a tab-separated table."""
    write_sheet(path, [field.name for field in fields(Rejected)], map(asdict, rejected))


def _cell_type(row: Row) -> CellType:
    if row["ontology"] and not ONTOLOGY_TERM.fullmatch(row["ontology"]):
        raise row.refuse("ontology", repr(row["ontology"]), "a term such as CL:0000623, or nothing")
    if row["encode_query"]:
        if '"' in row["encode_query"]:
            raise row.refuse("encode_query", repr(row["encode_query"]), "filters without quotes, or %22 for each")
        try:
            filters = parse_qsl(row["encode_query"], strict_parsing=True)
        except ValueError as error:
            raise row.refuse("encode_query", repr(row["encode_query"]), "key=value joined by &") from error
        for key, value in filters:
            if not QUERY_KEY.fullmatch(key):
                raise row.refuse("encode_query", repr(f"{key}={value}"), "what follows the ? in the URL of a search")
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


def _sample(row: Row, cell_types: Mapping[str, CellType]) -> Sample:
    if row["cell_type"] not in cell_types:
        raise row.refuse("cell_type", repr(row["cell_type"]), f"one of: {shorten(cell_types)}")
    if row["source"] not in [*Source]:
        raise row.refuse("source", repr(row["source"]), f"one of: {', '.join(Source)}")
    source = Source(row["source"])
    for strand, other in ((Strand.PLUS, Strand.MINUS), (Strand.MINUS, Strand.PLUS)):
        if row[strand] and not row[other]:
            raise row.refuse(other, "nothing", f"the {other} file that belongs to the {strand} file")
    if row["plus"] and row["unstranded"]:
        raise row.refuse("unstranded", "a file in addition to plus and minus", "plus and minus, or unstranded")
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
    provenance = SampleNotes(**{field.name: row[field.name] for field in fields(SampleNotes)})
    return Sample(row["sample"], row["cell_type"], source, files, provenance, line=row.line)


def _check_experiment(row: Row, source: Source, cell_type: CellType) -> None:
    """Check that a row names files or, for a cell type of known strandedness, an ENCODE experiment."""
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
            f"{experiment!r} for {cell_type.name!r}, for which stranded is not given",
            "stranded yes or no in the cell-type sheet, because file names must be known before ENCODE is searched",
        )


def _signal_file(row: Row, strand: Strand, source: Source) -> SignalFile:
    _check_location(row, strand, source)
    md5, size = row[f"md5_{strand}"], row[f"size_{strand}"]
    if md5 and not MD5.fullmatch(md5):
        raise row.refuse(f"md5_{strand}", repr(md5), "32 hex digits in lower case, or nothing")
    if size and not re.fullmatch("[1-9][0-9]*", size):
        raise row.refuse(f"size_{strand}", repr(size), "a number of bytes, or nothing")
    location = normal_path(row.where(strand), row[strand]) if source is Source.LOCAL else row[strand]
    return SignalFile(location, md5 or None, int(size) if size else None, row[f"accession_{strand}"] or None)


def _check_location(row: Row, strand: Strand, source: Source) -> None:
    """Check that the location of a file has the form that its source requires."""
    location = row[strand]
    check_location(row.where(strand), location)
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


def _check_files_once(row: Row, sample: Sample, seen: dict[str, str]) -> None:
    """Check that no file, MD5 or experiment of a sample is in `seen`, and add them to it with their places."""
    if not sample.files:
        named = [("experiment", row["experiment"], row["experiment"])]
    else:
        named = [(str(strand), row[strand], one_spelling(file.location)) for strand, file in sample.files.items()]
        named += [(f"md5_{strand}", file.md5, file.md5) for strand, file in sample.files.items() if file.md5]
    for column, text, key in named:
        if key in seen:
            raise row.refuse(column, f"{text!r}, as in {seen[key]}", "each file once")
        seen[key] = f"line {row.line}, {column}"


def _check_names(rows: Sequence[Row], column: str, taken: Collection[str] = ()) -> None:
    """Check that the names in a column are well formed, not reserved and unique."""
    lines: dict[str, int] = {}
    for row in rows:
        name = row[column]
        if not NAME.fullmatch(name):
            raise row.refuse(column, repr(name), NAME_RULE)
        if name in taken:
            raise row.refuse(column, repr(name), f"another name, as tables have columns called {', '.join(taken)}")
        if name in lines:
            raise row.refuse(column, f"{name!r}, as in line {lines[name]}", "each name once")
        lines[name] = row.line


def _check_pairs(rows: Sequence[Row]) -> None:
    """Check that no two pairs of cell types give the same joined name, as `a-b` with `c` and `a` with `b-c` would."""
    names = [row["cell_type"] for row in rows]
    seen: dict[str, tuple[str, str]] = {}
    for row in rows if any("-" in name for name in names) else ():
        for pair in ((row["cell_type"], name) for name in names if name != row["cell_type"]):
            other = seen.setdefault("-".join(pair), pair)
            if {*other} != {*pair}:
                found = f"{pair[0]!r} with {pair[1]!r}, which gives the file name of {other[0]!r} with {other[1]!r}"
                raise row.refuse("cell_type", found, "names that still differ when two are joined by '-'")
