"""Signal files at ENCODE: asked for, judged, paired, and one choice made for each experiment.

Field names are those of the portal's schemas (github.com/ENCODE-DCC/encoded). The rules follow the
selection of tracks in the AlphaGenome preprint.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

from .errors import InputError
from .samples import ENCODE_EXPERIMENT, ENCODE_FILE, MD5
from .terms import Strand
from .web import Web

ASSEMBLY = "GRCh38"
RELEASED = "released"
SHORTEST_READ = 50
RECENT = "2020"  # files made in this year or later come from the current pipelines
DATASET = re.compile(rf"/experiments/({ENCODE_EXPERIMENT.pattern})/")


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


@dataclass(frozen=True)
class Query:
    """Filters of a file search: key and value pairs, in their order.

    `assembly` and `status` are what a file must have to be taken. Where a search allows several of
    one of them, the first is taken, since a track holds one assembly.
    """

    filters: tuple[tuple[str, str], ...]
    stranded: bool

    @classmethod
    def of(cls, text: str, stranded: bool) -> "Query":
        """Add the filters that `text` does not set itself.

        Parameters
        ----------
        text
            `key=value` joined by `&`, as in the address of a search.
        stranded
            Whether pairs of a plus and a minus file are searched for, or unstranded files.
        """
        given = parse_qsl(text, keep_blank_values=True)
        ours = [
            *(("type", "File"), ("format", "json"), ("limit", "all"), ("frame", "object")),
            *(("file_format", "bigWig"), ("assembly", ASSEMBLY), ("status", RELEASED)),
            *(("output_type", name) for name, (strand, _) in OUTPUT_TYPES.items() if _wanted(strand, stranded)),
        ]
        keys = {key for key, _ in given}
        return cls((*given, *(pair for pair in ours if pair[0] not in keys)), stranded)

    def first(self, key: str) -> str:
        """First value of a key."""
        return next(value for name, value in self.filters if name == key)

    def url(self, base: str) -> str:
        """Address of the search."""
        return f"{base.rstrip('/')}/search/?{urlencode(self.filters, quote_via=quote, safe='*:/')}"


@dataclass(frozen=True, kw_only=True)
class File:
    """A file as the portal describes it; None and empty stand for what it does not say."""

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
    audit: Audit

    @property
    def experiment(self) -> str:
        """Accession of its experiment; empty if it belongs to another kind of data set."""
        found = DATASET.fullmatch(self.dataset)
        return found[1] if found else ""

    @property
    def strand(self) -> Strand:
        """Strand by its output type, which must be one of `OUTPUT_TYPES`."""
        return OUTPUT_TYPES[self.output_type][0]

    @property
    def reads(self) -> Reads:
        """Alignments by its output type, which must be one of `OUTPUT_TYPES`."""
        return OUTPUT_TYPES[self.output_type][1]


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """What an experiment was made from and how it was judged; donors by biological replicate."""

    accession: str
    status: str
    perturbed: bool
    interventions: tuple[str, ...]
    fractions: tuple[str, ...]
    donors: Mapping[int, tuple[str, ...]]
    audit: Audit


@dataclass(frozen=True)
class Signal:
    """A plus and a minus file that belong together, or an unstranded file."""

    files: Mapping[Strand, File]

    @property
    def first(self) -> File:
        """The plus or the unstranded file, which speaks for what both share."""
        return self.files.get(Strand.PLUS) or self.files[Strand.UNSTRANDED]

    @property
    def accessions(self) -> str:
        """Accessions in words."""
        return " and ".join(file.accession for file in self.files.values())


@dataclass(frozen=True)
class Pairs:
    """Usable signals by experiment, and files that were left over, with the reason."""

    signals: Mapping[str, Sequence[Signal]]
    rejected: tuple[tuple[File, str], ...]


@dataclass(frozen=True)
class Chosen:
    """A signal that was taken, with its experiment, its donors and the reason."""

    signal: Signal
    experiment: Experiment
    donors: tuple[str, ...]
    reason: str


@dataclass(frozen=True)
class Choice:
    """Signals that were taken, one an experiment, and files that were not, with the reason."""

    chosen: tuple[Chosen, ...]
    rejected: tuple[tuple[File, str], ...]


def search_files(web: Web, base: str, query: Query) -> list[File]:
    """Files that a search finds, each once, by accession; none is an answer.

    Raises
    ------
    InputError
        If the answer is no list of files, or holds fewer than were found.
    """
    url = query.url(base)
    answer = web.json(url)
    graph = answer.body.get("@graph")
    if not isinstance(graph, list):
        raise InputError(url, "an answer without a list under @graph", "the answer of an ENCODE search")
    total = answer.body.get("total", len(graph))
    if query.first("limit") == "all" and total != len(graph):
        raise InputError(url, f"{len(graph)} of {total} files in the answer", "all of them")
    files = {file.accession: file for file in (_file(document, url) for document in graph)}
    return [files[accession] for accession in sorted(files)]


def ask_file(web: Web, base: str, accession: str, where: str) -> File:
    """One file by its accession; `where` is what an error line calls the place that names it."""
    url = f"{base.rstrip('/')}/files/{accession}/?format=json&frame=object"
    answer = web.json(url)
    if not answer.found:
        raise InputError(where, f"{accession}, which {url} does not know", "the accession of an ENCODE file")
    return _file(answer.body, url)


def ask_experiment(web: Web, base: str, accession: str, where: str) -> Experiment:
    """One experiment by its accession; `where` is what an error line calls the place that names it."""
    url = f"{base.rstrip('/')}/experiments/{accession}/?format=json"
    answer = web.json(url)
    if not answer.found:
        raise InputError(where, f"{accession}, which {url} does not know", "the accession of an ENCODE experiment")
    return _experiment(answer.body, url)


def pair_files(files: Iterable[File], query: Query) -> Pairs:
    """Judge files one by one and pair the strands; the order of `files` plays no part.

    Two strands belong together if they share experiment, reads, replicates, analysis and annotation.
    """
    rejected: list[tuple[File, str]] = []
    usable: dict[str, list[File]] = defaultdict(list)
    for file in sorted(files, key=lambda file: file.accession):
        if fault := file_fault(file, query):
            rejected.append((file, fault))
        else:
            usable[file.experiment].append(file)
    signals = {accession: _signals(usable[accession], rejected) for accession in sorted(usable)}
    return Pairs({accession: found for accession, found in signals.items() if found}, tuple(rejected))


def choose(pairs: Pairs, experiments: Mapping[str, Experiment]) -> Choice:
    """Take the best signal of each experiment that can be used.

    The order of preference: unique reads before all reads, made in 2020 or later, milder findings of
    the portal's audits, more replicates, the portal's preferred default, the newest analysis, the
    lowest accession. Experiments on a part of the cell are left out where others are on whole cells.

    Parameters
    ----------
    pairs
        As `pair_files` gives them.
    experiments
        Each experiment that has a signal in `pairs`.
    """
    rejected = [*pairs.rejected]
    chosen: list[Chosen] = []
    whole_cell = any(not experiment_fault(each) and not each.fractions for each in experiments.values())
    for accession, signals in pairs.signals.items():
        experiment = experiments[accession]
        fault = experiment_fault(experiment)
        if not fault and experiment.fractions and whole_cell:
            fault = f"made of a part of the cell ({', '.join(experiment.fractions)}), and whole cells were found"
        if fault:
            rejected += [(file, fault) for signal in signals for file in signal.files.values()]
            continue
        ranks = [(_rank(signal, signals), signal) for signal in signals]
        best_rank, best = min(ranks, key=lambda pair: [value for _, value in pair[0]])
        for rank, signal in ranks:
            if signal is not best:
                why = f"{best.accessions} of the same experiment taken instead: {_advantage(best_rank, rank)}"
                rejected += [(file, why) for file in signal.files.values()]
        donors, reason = donors_of(best, experiment), describe(best, experiment)
        if names := [each.experiment.accession for each in chosen if set(each.donors) & set(donors)]:
            reason += f"; same donor as {', '.join(names)}, kept as another experiment"
        chosen.append(Chosen(best, experiment, donors, reason))
    return Choice(tuple(chosen), tuple(sorted(rejected, key=lambda pair: pair[0].accession)))


def file_fault(file: File, query: Query) -> str | None:
    """Why a file cannot be used, in plain words, or None."""
    assembly, status = query.first("assembly"), query.first("status")
    strands = "the plus or the minus strand" if query.stranded else "both strands together"
    match file:
        case File(file_format=other) if other != "bigWig":
            return f"its format is {other or 'not stated'}, not bigWig"
        case File(assembly=other) if other != assembly:
            return f"its assembly is {other or 'not stated'}, not {assembly}"
        case File(status=other) if other != status:
            return f"its status is {other or 'not stated'}, not {status}"
        case File(output_type=other) if other not in OUTPUT_TYPES or not _wanted(file.strand, query.stranded):
            return f"its output type is no signal of {strands}: {other or 'not stated'}"
        case File(experiment=""):
            return f"it belongs to {file.dataset or 'no data set'}, which is no experiment"
        case File(href=""):
            return "the portal offers no download of it"
        case File(md5=None):
            return "the portal gives no MD5 of it"
        case File(read_length=int(length)) if length < SHORTEST_READ:
            return f"its mapped reads have {length} bases, fewer than {SHORTEST_READ}"
        case File(audit=Audit.ERROR):
            return "the portal's audit of it holds an ERROR"
    return None


def experiment_fault(experiment: Experiment) -> str | None:
    """Why an experiment cannot be used, in plain words, or None."""
    if experiment.status != RELEASED:
        return f"the status of its experiment is {experiment.status or 'not stated'}, not {RELEASED}"
    if experiment.perturbed or experiment.interventions:
        what = f" ({', '.join(experiment.interventions)})" if experiment.interventions else ""
        return f"its experiment is perturbed{what}"
    if experiment.audit is Audit.ERROR:
        return "the portal's audit of its experiment holds an ERROR"
    return None


def pair_fault(plus: File, minus: File) -> str | None:
    """Why two files are not the two strands of one signal, in plain words, or None."""
    for file, strand in ((plus, Strand.PLUS), (minus, Strand.MINUS)):
        if file.strand is not strand:
            return f"{file.accession} is the {file.output_type}"
    names = ("experiments", "reads", "biological replicates", "technical replicates", "analyses", "annotations")
    for name, first, second in zip(names, _pair_key(plus), _pair_key(minus), strict=True):
        if first != second:
            return f"{plus.accession} and {minus.accession} are of different {name}: {first} and {second}"
    return None


def donors_of(signal: Signal, experiment: Experiment) -> tuple[str, ...]:
    """Donors of a signal's replicates; of all replicates where the file names none."""
    numbers = signal.first.replicates or tuple(experiment.donors)
    return tuple(sorted({donor for number in numbers for donor in experiment.donors.get(number, ())}))


def describe(signal: Signal, experiment: Experiment) -> str:
    """What speaks for a signal, in plain words."""
    file = signal.first
    audit = max(experiment.audit, *(each.audit for each in signal.files.values()))
    numbers = ", ".join(map(str, file.replicates))
    return "; ".join(
        (
            f"{file.reads} reads",
            f"replicates {numbers} pooled" if len(file.replicates) > 1 else f"replicate {numbers or 'not stated'}",
            f"made {file.date[:10] or 'at an unknown date'}",
            f"mapped reads of {file.read_length} bases" if file.read_length else "read length not stated",
            "no audit findings" if audit is Audit.NONE else f"audit: {audit.name}",
            *(f"part of the cell: {fraction}" for fraction in experiment.fractions),
        )
    )


def _wanted(strand: Strand, stranded: bool) -> bool:
    return (strand is not Strand.UNSTRANDED) is stranded


def _pair_key(file: File) -> tuple[object, ...]:
    """What the two strands of a signal share."""
    return (
        file.experiment,
        str(file.reads),
        file.replicates,
        file.technical_replicates,
        file.analyses,
        file.annotation,
    )


def _signals(files: Sequence[File], rejected: list[tuple[File, str]]) -> list[Signal]:
    """Pair the strands of one experiment's files; those that are left over join `rejected`."""
    groups: dict[tuple[object, ...], dict[Strand, list[File]]] = defaultdict(lambda: defaultdict(list))
    for file in files:
        groups[_pair_key(file)][file.strand].append(file)
    signals = []
    for by_strand in groups.values():
        strands = [Strand.UNSTRANDED] if Strand.UNSTRANDED in by_strand else [Strand.PLUS, Strand.MINUS]
        # More than one file a strand is rare: the best then go together, the second best, and so on.
        ordered = [sorted(by_strand[strand], key=_file_rank) for strand in strands]
        paired = [*zip(*ordered, strict=False)]
        signals += [Signal(dict(zip(strands, files, strict=True))) for files in paired]
        for strand, other in zip(strands, reversed(strands), strict=True):
            why = f"no {other} file of the same experiment, replicates, analysis and reads to pair it with"
            rejected += [(file, why) for file in sorted(by_strand[strand], key=_file_rank)[len(paired) :]]
    return signals


def _file_rank(file: File) -> tuple[Any, ...]:
    """Lower for the better of two files of one strand that agree in all that a pair shares."""
    return file.date < RECENT, file.audit, not file.preferred, -_day(file), file.accession


def _day(file: File) -> int:
    """The day it was made as a number that grows, such as 20210304; 0 where it is not stated."""
    return int(file.date[:10].replace("-", "") or 0)


def _rank(signal: Signal, among: Sequence[Signal]) -> tuple[tuple[str, Any], ...]:
    """What is compared, in words, and a value that is lower for the better signal."""
    file, files = signal.first, signal.files.values()
    newest = max(_day(each) for other in among for each in other.files.values() if each.analyses == file.analyses)
    return (
        ("unique reads only", file.reads is not Reads.UNIQUE),
        (f"made in {RECENT} or later", min(each.date for each in files) < RECENT),
        ("milder audit findings", max(each.audit for each in files)),
        ("more replicates pooled", -len(file.replicates)),
        ("preferred by the portal", not all(each.preferred for each in files)),
        ("newer analysis", -newest),
        ("lower accession", file.accession),
    )


def _advantage(best: Sequence[tuple[str, Any]], other: Sequence[tuple[str, Any]]) -> str:
    """The first thing in which the best signal is better, in words."""
    return next(words for (words, value), (_, worse) in zip(best, other, strict=True) if value != worse)


def _file(document: Any, url: str) -> File:
    """Read a file's document in `frame=object`."""
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
        analyses=look.items("analyses", str),
        annotation=look.text("genome_annotation"),
        date=look.date("date_created"),
        preferred=look.get("preferred_default", bool, False),
        read_length=look.number("mapped_read_length"),
        audit=look.audit(),
    )


def _experiment(document: Mapping[str, Any], url: str) -> Experiment:
    """Read an experiment's document, in which libraries, biosamples and donors are embedded."""
    look = _Look(document, url)
    accession = look.text("accession")
    if not ENCODE_EXPERIMENT.fullmatch(accession):
        raise InputError(url, f"an object whose accession is {accession!r}", "an ENCODE experiment")
    donors: dict[int, set[str]] = defaultdict(set)
    interventions: set[str] = set()
    fractions: set[str] = set()
    for entry in look.get("replicates", list, []):
        replicate = _Look(entry, f"{url}, replicates")
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
    return Experiment(
        accession=accession,
        status=look.text("status"),
        perturbed=look.get("perturbed", bool, False),
        interventions=tuple(sorted(interventions)),
        fractions=tuple(sorted(fractions)),
        donors={number: tuple(sorted(names)) for number, names in sorted(donors.items())},
        audit=look.audit(),
    )


@dataclass(frozen=True)
class _Look:
    """A look into a JSON object, which refuses values of another kind than the portal gives."""

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
        values = self.get(key, list, [])
        for value in values:
            if not isinstance(value, kind):
                raise InputError(f"{self.where}, {key}", repr(value)[:60], f"a list of {kind.__name__}")
        return tuple(sorted(values))

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

    def audit(self) -> Audit:
        found = self.get("audit", dict, {})
        return max((Audit[level] for level in found if level in Audit.__members__ and found[level]), default=Audit.NONE)
