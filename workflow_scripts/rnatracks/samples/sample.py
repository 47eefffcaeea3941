"""Samples and cell types: their files and tracks, and checks that they fit together."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl

from ..downloads.data_file import DataFile, Kind, is_url
from ..errors import InputError, shorten
from ..vocabulary import Source, Strand, Track

FILE_DETAILS = ("md5", "size", "accession")  # each has one column per strand
MD5 = re.compile(r"[0-9a-f]{32}")
ENCODE_FILE = re.compile(r"ENCFF[0-9]{3}[A-Z]{3}")
ENCODE_EXPERIMENT = re.compile(r"ENCSR[0-9]{3}[A-Z]{3}")


@dataclass(frozen=True)
class SignalFile:
    """A bigWig: its location (an accession, URL or path) and, if known, its MD5, size in bytes and accession."""

    location: str
    md5: str | None = None
    size: int | None = None
    accession: str | None = None


@dataclass(frozen=True, kw_only=True)
class SampleNotes:
    """What the source states about a sample, as written to the resolved sheet; empty if not stated."""

    experiment: str = ""
    donor: str = ""
    replicates: str = ""
    output_type: str = ""
    read_length: str = ""
    date_asked: str = ""
    reason: str = ""


@dataclass(frozen=True)
class Sample:
    """One RNA-seq sample: a plus and a minus file, or an unstranded one.

    It has no files if the sheet names only its ENCODE experiment; the files are then still to be chosen.
    `line` is its line number in the sheet.
    """

    name: str
    cell_type: str
    source: Source
    files: Mapping[Strand, SignalFile]
    provenance: SampleNotes = SampleNotes()
    line: int | None = field(default=None, compare=False)

    @property
    def stranded(self) -> bool | None:
        """Whether it has a file for each strand; None without files."""
        return Strand.UNSTRANDED not in self.files if self.files else None

    @property
    def located(self) -> bool:
        """Whether each file is a path or a URL, so that nothing has to be looked up."""
        if self.source in (Source.LOCAL, Source.URL):
            return True
        return bool(self.files) and all(is_url(file.location) for file in self.files.values())

    @property
    def bigwigs(self) -> dict[Strand, DataFile]:
        """Its files, as input files of a run."""
        return {
            strand: DataFile(file.location, Kind.BIGWIG, file.md5, file.size) for strand, file in self.files.items()
        }

    def as_row(self) -> dict[str, str]:
        """The sample as a row of a sheet, by column; empty cells are left out."""
        cells = {"sample": self.name, "cell_type": self.cell_type, "source": str(self.source)}
        for strand, file in self.files.items():
            cells[str(strand)] = file.location
            cells |= {f"{detail}_{strand}": str(getattr(file, detail) or "") for detail in FILE_DETAILS}
        cells |= asdict(self.provenance)
        return {column: cell for column, cell in cells.items() if cell}


@dataclass(frozen=True)
class Rejected:
    """A file that a search found but rejected; empty fields are not stated or do not apply."""

    cell_type: str
    accession: str
    experiment: str
    output_type: str
    assembly: str
    status: str
    reason: str


# Number of samples behind the published models, by ontology term.
PUBLISHED_ASSAY = "total RNA-seq"
PUBLISHED_ASSAY_TERM = "RNA-seq"  # ENCODE's term for this assay
PUBLISHED_SAMPLES = {"EFO:0002784": 4, "CL:0000623": 13}


@dataclass(frozen=True)
class CellType:
    """A cell type; `stranded` is None if it is known only from the samples."""

    name: str
    ontology: str | None = None
    description: str | None = None
    encode_query: str | None = None
    gtex_tissue: str | None = None
    stranded: bool | None = None

    @property
    def published_ontology(self) -> str | None:
        """Ontology term under which the published models are looked up, which are of total RNA-seq."""
        filters = parse_qsl(self.encode_query or "")
        titles = [value for key, value in filters if key == "assay_title"]
        terms = [value for key, value in filters if key == "assay_term_name"]
        other = (titles and PUBLISHED_ASSAY not in titles) or (terms and PUBLISHED_ASSAY_TERM not in terms)
        return None if other or ("assay_title!", PUBLISHED_ASSAY) in filters else self.ontology


def check_excluded(excluded: Collection[str], samples: Sequence[Sample], *, complete: bool) -> None:
    """Check that excluded names are samples, and that every cell type keeps at least one sample.

    Parameters
    ----------
    samples
        All samples of the cell types whose samples are known.
    complete
        Whether these are all cell types; otherwise an excluded name may be that of a sample still to be found.

    Raises
    ------
    InputError
        For the first name that is unknown, or cell type that keeps no sample.
    """
    names = [sample.name for sample in samples]
    for name in excluded:
        if complete and name not in names:
            raise InputError("config, exclude", repr(name), f"sample names: {shorten(names)}")
    kept = {sample.cell_type for sample in samples if sample.name not in excluded}
    for sample in samples:
        if sample.cell_type not in kept:
            raise InputError(
                "config, exclude", f"every sample of cell type {sample.cell_type!r}", "at least one left to average"
            )


def all_located(cell_type: CellType, samples: Sequence[Sample], excluded: Collection[str] = ()) -> bool:
    """Whether the sheet gives the location of every used file of a cell type, so that nothing has to be looked up."""
    rows = [sample for sample in samples if sample.cell_type == cell_type.name]
    sources = {row.source for row in rows}
    asks_encode = bool(cell_type.encode_query) and Source.ENCODE not in sources
    asks_gtex = bool(cell_type.gtex_tissue) and Source.GTEX not in sources
    located = all(row.located or row.name in excluded for row in rows)
    return bool(rows) and located and not asks_encode and not asks_gtex


def tracks_of(cell_type: CellType, samples: Sequence[Sample]) -> tuple[Track, ...]:
    """Tracks of a cell type: plus and minus, or unstranded.

    Parameters
    ----------
    samples
        All samples, as `read_samples` returns them for cell types that include this one.
    """
    stranded = cell_type.stranded
    if stranded is None:
        stranded = next(sample.stranded for sample in samples if sample.cell_type == cell_type.name)
    strands = (Strand.PLUS, Strand.MINUS) if stranded else (Strand.UNSTRANDED,)
    return tuple(Track(cell_type.name, strand) for strand in strands)


def halves(samples: Sequence[Sample]) -> tuple[list[Sample], list[Sample]]:
    """Split samples into two halves without a common donor, each donor in turn going to the smaller half.

    Donors with more samples come first. A sample without a known donor counts as a donor of its own. If all
    samples are from one donor, they alternate; the halves then differ less than two donors would (see `of_one_donor`).
    """
    donors: dict[str, list[Sample]] = {}
    for sample in samples:
        donors.setdefault(sample.provenance.donor or f"sample {sample.name}", []).append(sample)
    groups = list(donors.values()) if len(donors) > 1 else [[sample] for sample in samples]
    first: list[Sample] = []
    second: list[Sample] = []
    for group in sorted(groups, key=len, reverse=True):
        (first if len(first) <= len(second) else second).extend(group)
    return first, second


def of_one_donor(samples: Sequence[Sample]) -> bool:
    """Whether there are two or more samples, all from one known donor."""
    donors = {sample.provenance.donor for sample in samples}
    return len(samples) > 1 and len(donors) == 1 and "" not in donors


def simulated_samples(
    samples: Sequence[Sample], settings: Collection[str], folder: Path, where: object = "sample sheet"
) -> dict[str, Sample]:
    """Samples whose files the workflow simulates: those with settings in the configuration.

    Parameters
    ----------
    settings
        Names of the samples under `simulate.samples`.
    folder
        Folder of the simulated files.

    Raises
    ------
    InputError
        If one of them is not in the sheet, is unstranded, or has files elsewhere, if a file in
        the folder belongs to another sample, or if they have more than two cell types.
    """
    by_name = {sample.name: sample for sample in samples}
    for name in settings:
        if name not in by_name:
            raise InputError(f"config, simulate.samples.{name}", f"no sample {name!r} in {where}", "a row for it")
    for sample in samples:
        inside = [Path(file.location).is_relative_to(folder) for file in sample.files.values()]
        if sample.name in settings and not (sample.stranded and all(inside)):
            raise InputError(
                f"{where}, sample {sample.name}", "other files", f"plus and minus in {folder}, as it is simulated"
            )
        if sample.name not in settings and any(inside):
            raise InputError(f"{where}, sample {sample.name}", f"a file in {folder}", "settings in simulate.samples")
    made = {name: by_name[name] for name in settings}
    cell_types = list(dict.fromkeys(sample.cell_type for sample in made.values()))
    if len(cell_types) > 2:
        raise InputError("config, simulate.samples", f"cell types {shorten(cell_types)}", "at most two")
    return made
