"""GTEx samples at recount3: their metadata and the URLs of their unstranded bigWigs.

The folder layout is the one that recount3's R package uses. A GTEx project has one value of GTEx's SMTS, such as
Blood, and may mix several values of SMTSD, such as whole blood and cultured lymphocytes.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ..downloads.web import Web
from ..errors import InputError, shorten
from ..vocabulary import NAME

GTEX = "human/data_sources/gtex"
READ_LENGTH = "star.average_mapped_length"
DETAIL = "SMTSD"
NO_VALUE = ("", "NA")
PROJECT_COLUMNS = ("external_id", "project", "file_source")


@dataclass(frozen=True)
class Tissue:
    """A GTEx project and optionally one of its tissues (SMTSD), written `BLOOD:Whole Blood` or `LIVER`."""

    project: str
    detail: str = ""

    @classmethod
    def of(cls, text: str) -> "Tissue":
        """Parse the form that `str` gives."""
        project, _, detail = text.partition(":")
        return cls(project, detail.strip())

    def __str__(self) -> str:
        return f"{self.project}:{self.detail}" if self.detail else self.project


@dataclass(frozen=True)
class GtexSample:
    """One GTEx library.

    `detail` is its tissue (SMTSD), empty if not stated. `fault` says why it cannot be used; None if it can.
    `mapped_length` is the mean number of mapped bases per fragment, both mates together.
    """

    sample_id: str
    url: str
    donor: str
    detail: str
    mapped_length: float | None
    fault: str | None


def signal_url(base: str, project: str, sample_id: str) -> str:
    """URL of a sample's bigWig.

    Examples
    --------
    >>> signal_url("http://host/recount3", "BLOOD", "GTEX-1117F-0226-SM-5GZZ7.1").removeprefix("http://host/recount3/")
    'human/data_sources/gtex/base_sums/OD/BLOOD/Z7/gtex.base_sums.BLOOD_GTEX-1117F-0226-SM-5GZZ7.1.ALL.bw'
    """
    folder = f"{base.rstrip('/')}/{GTEX}/base_sums/{project[-2:]}/{project}/{sample_id[-4:-2].upper()}"
    return f"{folder}/gtex.base_sums.{project}_{sample_id}.ALL.bw"


def metadata_url(base: str, project: str, table: str) -> str:
    """URL of a metadata table (`gtex`, `recount_project`, `recount_qc`) of a project."""
    return f"{base.rstrip('/')}/{GTEX}/metadata/{project[-2:]}/{project}/gtex.{table}.{project}.MD.gz"


def project_samples(web: Web, base: str, project: str) -> list[GtexSample]:
    """All samples of a GTEx project, sorted by id, with what is known about each.

    Raises
    ------
    InputError
        If recount3 does not have the project, or its tables are not in the expected form.
    """
    url = metadata_url(base, project, "recount_qc")
    lengths = {row["external_id"]: _length(row, url) for row in _read_table(web, url, ("external_id", READ_LENGTH))}
    url = metadata_url(base, project, "gtex")
    details = {
        row["external_id"]: row[DETAIL]
        for row in _read_table(web, url, ("external_id", DETAIL))
        if row[DETAIL] not in NO_VALUE
    }
    url = metadata_url(base, project, "recount_project")
    samples = {}
    for row in _read_table(web, url, PROJECT_COLUMNS):
        name = row["external_id"]
        if not NAME.fullmatch(name) or len(name) < 5:
            raise InputError(url, f"external_id {name!r}", "a GTEx sample id such as GTEX-1117F-0226-SM-5GZZ7.1")
        samples[name] = GtexSample(
            sample_id=name,
            url=signal_url(base, project, name),
            donor="-".join(name.split("-")[:2]),
            detail=details.get(name, ""),
            mapped_length=lengths.get(name),
            fault=_fault(row, project, lengths.get(name)),
        )
    return [samples[name] for name in sorted(samples)]


def of_tissue(samples: Sequence[GtexSample], tissue: Tissue, where: str) -> list[GtexSample]:
    """Mark the samples of a project that are not of the wanted tissue with a fault.

    Parameters
    ----------
    samples
        As returned by `project_samples`.
    where
        What names the tissue, for errors.

    Raises
    ------
    InputError
        If the project has several tissues and none is named, or does not have the named one.
    """
    details = sorted({each.detail for each in samples if each.detail and not each.fault})
    listed = shorten(details, 60)  # GTEx has 54
    if tissue.detail and tissue.detail not in details:
        raise InputError(where, repr(tissue.detail), f"a tissue (SMTSD) of {tissue.project}: {listed}")
    if not tissue.detail and len(details) > 1:
        raise InputError(
            where,
            f"{len(details)} tissues (SMTSD) in {tissue.project}: {listed}",
            f"one of them, such as {Tissue(tissue.project, details[0])}",
        )
    return [_of_detail(each, tissue.detail or each.detail) for each in samples]


def _of_detail(sample: GtexSample, detail: str) -> GtexSample:
    fault = None
    if not sample.detail:
        fault = "the gtex table does not state its tissue (SMTSD)"
    elif sample.detail != detail:
        fault = f"its tissue is {sample.detail}, not {detail}"
    return replace(sample, fault=sample.fault or fault)


def _fault(row: dict[str, str], project: str, mapped_length: float | None) -> str | None:
    if row["project"] != project or row["file_source"] != "gtex":
        return f"its bigWig is in project {row['project']!r} of {row['file_source']!r}, not in {project} of gtex"
    if mapped_length is None:
        return "recount_qc has no mapped length for it"
    return None


def _length(row: dict[str, str], url: str) -> float | None:
    """Mean mapped length; None if it is missing or the aligner mapped nothing."""
    text = row[READ_LENGTH]
    if text in NO_VALUE:
        return None
    try:
        value = float(text)
    except ValueError as error:
        raise InputError(f"{url}, {row['external_id']}, {READ_LENGTH}", repr(text), "a number") from error
    return value if value > 0 else None


def _read_table(web: Web, url: str, columns: tuple[str, ...]) -> Iterator[dict[str, str]]:
    """Rows of a metadata table, with the requested columns.

    In some copies of the tables, column names start with the table's name or are in lower case.
    """
    # Not splitlines: free text in the gtex table may contain characters that it treats as line ends.
    text = web.text(url).replace("\r\n", "\n").removesuffix("\n")
    header, *lines = (line.split("\t") for line in text.split("\n"))
    table = url.rpartition("/")[2].split(".")[1]
    names = [name.lower().removeprefix(f"{table}.") for name in header]
    for column in columns:
        if column.lower() not in names:
            raise InputError(url, f"no column {column!r}", f"tab-separated columns that include {', '.join(columns)}")
    places = {column: names.index(column.lower()) for column in columns}
    for number, cells in enumerate(lines, start=2):
        if len(cells) != len(header):
            raise InputError(f"{url}, line {number}", f"{len(cells)} cells", f"{len(header)}, as in the header")
        yield {column: cells[place].strip() for column, place in places.items()}
