"""Files and experiments as the ENCODE portal describes them, read from its JSON.

Field names are those of the portal's schemas (github.com/ENCODE-DCC/encoded). The portal gives audits only on
an object's page, not with `frame=object`; the page of an experiment also has the audits of its files, by path.
"""

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Any

from ..errors import InputError
from ..vocabulary import Strand
from .sample import ENCODE_EXPERIMENT, ENCODE_FILE, MD5

ASSEMBLY = "GRCh38"
RELEASED = "released"
GIVEN_OUT = (RELEASED, "archived")  # statuses of files that anyone may download
DATASET = re.compile(rf"/experiments/({ENCODE_EXPERIMENT.pattern})/")
FILE_PATH = re.compile(rf"/files/({ENCODE_FILE.pattern})/?")
ALIGNMENTS = "alignments"


class Reads(StrEnum):
    """Which alignments a signal counts."""

    UNIQUE = "unique"
    ALL = "all"


class Audit(IntEnum):
    """Worst finding of the portal's checks."""

    NONE = 0
    WARNING = 1
    NOT_COMPLIANT = 2
    ERROR = 3


OUTPUT_TYPES = {
    f"{prefix}signal of {reads} reads": (strand, reads)
    for reads in Reads
    for strand, prefix in (
        (Strand.PLUS, "plus strand "),
        (Strand.MINUS, "minus strand "),
        (Strand.UNSTRANDED, ""),
    )
}


@dataclass(frozen=True, kw_only=True)
class File:
    """A file as the portal describes it; None or empty means not stated.

    `stored` is whether the portal says where the file is stored: it gives an `href` even to files that it does not
    have.
    """

    accession: str
    dataset: str
    href: str
    file_format: str
    output_type: str
    assembly: str
    status: str
    md5: str | None
    size: int | None
    replicates: tuple[int, ...]
    technical_replicates: tuple[str, ...]
    analyses: tuple[str, ...]
    annotation: str
    date: str
    preferred: bool
    read_length: int | None
    audit: Audit | None
    restricted: bool
    no_file_available: bool
    stored: bool

    @property
    def experiment(self) -> str:
        """Accession of its experiment; empty if it belongs to another kind of data set."""
        found = DATASET.fullmatch(self.dataset)
        return found[1] if found else ""

    @property
    def strand(self) -> Strand:
        """Strand according to the output type, which must be one of `OUTPUT_TYPES`."""
        return OUTPUT_TYPES[self.output_type][0]

    @property
    def reads(self) -> Reads:
        """Counted alignments according to the output type, which must be one of `OUTPUT_TYPES`."""
        return OUTPUT_TYPES[self.output_type][1]


@dataclass(frozen=True)
class Alignments:
    """A file of mapped reads; it states the read length, which the signal files of its analysis may not."""

    accession: str
    replicates: tuple[int, ...]
    analyses: tuple[str, ...]
    read_length: int | None


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """What an experiment was made from, and the portal's audits of it.

    `perturbed` and `audit` are None if not stated. `donors` is keyed by biological replicate. `audit` excludes
    findings about single files; the worst of these is in `file_audits`, by accession.
    """

    accession: str
    status: str
    perturbed: bool | None
    interventions: tuple[str, ...]
    fractions: tuple[str, ...]
    donors: Mapping[int, tuple[str, ...]]
    audit: Audit | None
    file_audits: Mapping[str, Audit]
    alignments: tuple[Alignments, ...]


def read_file(document: Any, url: str) -> File:
    """Read the JSON document of a file, as given with `frame=object`."""
    accession = document.get("accession") if isinstance(document, dict) else None
    if not isinstance(accession, str) or not ENCODE_FILE.fullmatch(accession):
        raise InputError(url, f"an object whose accession is {accession!r}", "ENCODE files (type=File, frame=object)")
    look = _Look(document, f"{url}, {accession}")
    md5 = look.text("md5sum").lower()
    return File(
        accession=accession,
        dataset=look.text("dataset"),
        href=look.text("href"),
        file_format=look.text("file_format"),
        output_type=look.text("output_type"),
        assembly=look.text("assembly"),
        status=look.text("status"),
        md5=md5 if MD5.fullmatch(md5) else None,
        size=look.number("file_size"),
        replicates=look.items("biological_replicates", int),
        technical_replicates=look.items("technical_replicates", str),
        analyses=look.links("analyses"),
        annotation=look.text("genome_annotation"),
        date=look.date("date_created"),
        preferred=look.get("preferred_default", bool, False),
        read_length=look.number("mapped_read_length"),
        audit=max(audit.values()) if (audit := look.audits()) is not None else None,
        restricted=look.get("restricted", bool, False),
        no_file_available=look.get("no_file_available", bool, False),
        stored=bool(look.text("s3_uri") or look.get("cloud_metadata", dict, {})),
    )


def read_experiment_accession(document: Any, url: str) -> str:
    """Read the accession of an experiment, in any frame."""
    accession = document.get("accession") if isinstance(document, dict) else None
    if not isinstance(accession, str) or not ENCODE_EXPERIMENT.fullmatch(accession):
        raise InputError(url, f"an object whose accession is {accession!r}", "an ENCODE experiment")
    return accession


def read_experiment(document: Mapping[str, Any], url: str) -> Experiment:
    """Read the JSON document of an experiment, with embedded libraries, biosamples and donors."""
    look, accession = _Look(document, url), read_experiment_accession(document, url)
    donors: dict[int, set[str]] = defaultdict(set)
    interventions: set[str] = set()
    fractions: set[str] = set()
    for replicate in look.inners("replicates"):
        library = replicate.inner("library")
        biosample = library.inner("biosample")
        donor = biosample.get("donor", dict | str, "")
        name = donor.get("accession", "") if isinstance(donor, dict) else donor.strip("/").rpartition("/")[2]
        number = replicate.number("biological_replicate_number")
        if name and number is not None:
            donors[number].add(name)
        for part in (library, biosample):
            if part.get("treatments", list, []):
                interventions.add("treated")
            if fraction := part.text("subcellular_fraction_term_name"):
                fractions.add(fraction)
        if biosample.get("applied_modifications", list, []) or biosample.get("genetic_modifications", list, []):
            interventions.add("genetically modified")
        for key in ("phase", "synchronization"):
            if value := biosample.text(key):
                interventions.add(f"cell-cycle {key} {value}")
    audits = look.audits()
    # As in the portal's own table of files, a finding with the path of a file is about that file.
    of_files = {found[1]: audit for path, audit in (audits or {}).items() if (found := FILE_PATH.fullmatch(path))}
    others = [audit for path, audit in (audits or {}).items() if not FILE_PATH.fullmatch(path)]
    return Experiment(
        accession=accession,
        status=look.text("status"),
        perturbed=look.get("perturbed", bool, None),
        interventions=tuple(sorted(interventions)),
        fractions=tuple(sorted(fractions)),
        donors={number: tuple(sorted(names)) for number, names in sorted(donors.items())},
        audit=None if audits is None else max(others),
        file_audits=of_files,
        alignments=tuple(
            Alignments(
                each.text("accession"),
                each.items("biological_replicates", int),
                each.links("analyses"),
                each.number("mapped_read_length"),
            )
            for each in look.inners("files")
            if each.text("output_type") == ALIGNMENTS
        ),
    )


@dataclass(frozen=True)
class _Look:
    """Access to a JSON object that refuses values of an unexpected type."""

    document: Mapping[str, Any]
    where: str

    def get(self, key: str, kind: Any, default: Any) -> Any:
        value = self.document.get(key)
        if value is None:
            return default
        if not isinstance(value, kind):
            raise InputError(f"{self.where}, {key}", repr(value)[:60], getattr(kind, "__name__", str(kind)))
        return value

    def items(self, key: str, kind: type) -> tuple[Any, ...]:
        return tuple(sorted(self._list(key, kind)))

    def links(self, key: str) -> tuple[str, ...]:
        """Paths of linked objects, which a response names or embeds."""
        entries = self._list(key, dict | str)
        return tuple(
            sorted(entry if isinstance(entry, str) else _Look(entry, self.where).text("@id") for entry in entries)
        )

    def _list(self, key: str, kind: Any) -> list[Any]:
        values = self.get(key, list, [])
        for value in values:
            if not isinstance(value, kind):
                raise InputError(
                    f"{self.where}, {key}", repr(value)[:60], f"a list of {getattr(kind, '__name__', kind)}"
                )
        return values

    def text(self, key: str) -> str:
        return " ".join(self.get(key, str, "").split())

    def date(self, key: str) -> str:
        text = self.text(key)
        if text and not re.match(r"\d{4}-\d\d-\d\d", text):
            raise InputError(f"{self.where}, {key}", repr(text), "a date such as 2021-03-04")
        return text

    def number(self, key: str) -> int | None:
        return self.get(key, int, None)

    def inner(self, key: str) -> "_Look":
        return _Look(self.get(key, dict, {}), f"{self.where}, {key}")

    def inners(self, key: str) -> "list[_Look]":
        return [_Look(entry, f"{self.where}, {key}") for entry in self._list(key, dict)]

    def audits(self) -> dict[str, Audit] | None:
        """Worst finding for each path that has findings, and at least NONE for no path; None if no audit is stated."""
        if self.document.get("audit") is None:
            return None
        worst = {"": Audit.NONE}
        found = self.inner("audit")
        for level in found.document.keys() & Audit.__members__.keys():  # other levels are notes for the portal's staff
            for finding in found.inners(level):
                path = finding.text("path")
                worst[path] = max(worst.get(path, Audit.NONE), Audit[level])
        return worst
