"""GTEx samples at recount3: their metadata, and the addresses of their unstranded bigWigs.

The tree of files is that of recount3's own R package. A GTEx project is a tissue, such as BLOOD.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass

from .config import NAME
from .errors import InputError
from .web import Web

GTEX = "human/data_sources/gtex"
READ_LENGTH = "star.average_mapped_length"
PROJECT_COLUMNS = ("external_id", "project", "file_source")


@dataclass(frozen=True)
class GtexSample:
    """One GTEx library.

    `fault` says in plain words why it cannot be used, if so; `mapped_length` is the mean number of
    mapped bases of a fragment, both mates together.
    """

    sample_id: str
    url: str
    donor: str
    mapped_length: float | None
    fault: str | None


def signal_url(base: str, tissue: str, sample_id: str) -> str:
    """Address of a sample's bigWig.

    Examples
    --------
    >>> signal_url("http://host/recount3", "BLOOD", "GTEX-1117F-0226-SM-5GZZ7.1").removeprefix("http://host/recount3/")
    'human/data_sources/gtex/base_sums/OD/BLOOD/Z7/gtex.base_sums.BLOOD_GTEX-1117F-0226-SM-5GZZ7.1.ALL.bw'
    """
    folder = f"{base.rstrip('/')}/{GTEX}/base_sums/{tissue[-2:]}/{tissue}/{sample_id[-4:-2].upper()}"
    return f"{folder}/gtex.base_sums.{tissue}_{sample_id}.ALL.bw"


def metadata_url(base: str, tissue: str, table: str) -> str:
    """Address of a metadata table (`recount_project`, `recount_qc`) of a tissue."""
    return f"{base.rstrip('/')}/{GTEX}/metadata/{tissue[-2:]}/{tissue}/gtex.{table}.{tissue}.MD.gz"


def tissue_samples(web: Web, base: str, tissue: str) -> list[GtexSample]:
    """All samples of a GTEx project, by their id, with what is known of each.

    Raises
    ------
    InputError
        If recount3 does not have the project, or its tables are not what they should be.
    """
    url = metadata_url(base, tissue, "recount_qc")
    lengths = {row["external_id"]: _length(row, url) for row in _read_table(web, url, ("external_id", READ_LENGTH))}
    url = metadata_url(base, tissue, "recount_project")
    samples = {}
    for row in _read_table(web, url, PROJECT_COLUMNS):
        name = row["external_id"]
        if not NAME.fullmatch(name) or len(name) < 5:
            raise InputError(url, f"external_id {name!r}", "a GTEx sample id such as GTEX-1117F-0226-SM-5GZZ7.1")
        samples[name] = GtexSample(
            sample_id=name,
            url=signal_url(base, tissue, name),
            donor="-".join(name.split("-")[:2]),
            mapped_length=lengths.get(name),
            fault=_fault(row, tissue, lengths.get(name)),
        )
    return [samples[name] for name in sorted(samples)]


def _fault(row: dict[str, str], tissue: str, mapped_length: float | None) -> str | None:
    if row["project"] != tissue or row["file_source"] != "gtex":
        return f"its bigWig is in project {row['project']!r} of {row['file_source']!r}, not in {tissue} of gtex"
    if mapped_length is None:
        return "recount_qc holds no mapped length of it"
    return None


def _length(row: dict[str, str], url: str) -> float | None:
    """Mean mapped length; None where the aligner mapped nothing or said nothing."""
    text = row[READ_LENGTH]
    if text in ("", "NA"):
        return None
    try:
        value = float(text)
    except ValueError as error:
        raise InputError(f"{url}, {row['external_id']}, {READ_LENGTH}", repr(text), "a number") from error
    return value if value > 0 else None


def _read_table(web: Web, url: str, columns: tuple[str, ...]) -> Iterator[dict[str, str]]:
    """Rows of a metadata table, with the columns asked for.

    Some copies of the tables put the table's own name before a column.
    """
    lines = csv.reader(web.text(url).splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE)
    header = next(lines, [])
    table = url.rpartition("/")[2].split(".")[1]
    names = [name.removeprefix(f"{table}.") for name in header]
    for column in columns:
        if column not in names:
            raise InputError(url, f"no column {column!r}", f"tab-separated columns with {', '.join(columns)}")
    places = {column: names.index(column) for column in columns}
    for number, cells in enumerate(lines, start=2):
        if len(cells) != len(header):
            raise InputError(f"{url}, line {number}", f"{len(cells)} cells", f"{len(header)}, as in the header")
        yield {column: cells[place].strip() for column, place in places.items()}
