"""Choosing one signal per ENCODE experiment: files are checked, strands are paired, and the reasons are given.

The rules follow the selection of tracks in the AlphaGenome preprint.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..vocabulary import Strand
from .encode import Query
from .encode_answers import GIVEN_OUT, RELEASED, Audit, Experiment, File, Reads

SHORTEST_READ = 50
RECENT = "2020"  # files made in this year or later come from the current pipelines


@dataclass(frozen=True)
class Signal:
    """A plus and a minus file that belong together, or an unstranded file."""

    files: Mapping[Strand, File]

    @property
    def first(self) -> File:
        """The plus or the unstranded file, used for what both strands share."""
        return self.files.get(Strand.PLUS) or self.files[Strand.UNSTRANDED]

    @property
    def accessions(self) -> str:
        """Accessions, joined by "and"."""
        return " and ".join(file.accession for file in self.files.values())


@dataclass(frozen=True)
class Pairs:
    """Usable signals by experiment, and the other files with the reason for rejection."""

    signals: Mapping[str, Sequence[Signal]]
    rejected: tuple[tuple[File, str], ...]


@dataclass(frozen=True)
class Chosen:
    """A chosen signal, with its experiment, its donors and the reason."""

    signal: Signal
    experiment: Experiment
    donors: tuple[str, ...]
    reason: str


@dataclass(frozen=True)
class Choice:
    """Chosen signals, one per experiment, and rejected files with the reason."""

    chosen: tuple[Chosen, ...]
    rejected: tuple[tuple[File, str], ...]


def pair_files(files: Iterable[File], query: Query) -> Pairs:
    """Check files one by one and pair the strands; the order of `files` does not matter.

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


def choose(pairs: Pairs, experiments: Mapping[str, Experiment], query: Query, *, listed: bool = False) -> Choice:
    """Choose the best signal of each usable experiment.

    The order of preference: unique reads before all reads, a known date, milder findings of the
    portal's audits, more replicates, the portal's preferred default, the newest analysis, the
    lowest accession. Experiments on a subcellular fraction are rejected if others are on whole cells.

    Parameters
    ----------
    pairs
        As returned by `pair_files`.
    experiments
        Every experiment that has a signal in `pairs`; others are ignored.
    query
        The search that found the files.
    listed
        Whether the user listed the experiments, which are then used whatever `experiment_fault` says.
    """
    rejected = [*pairs.rejected]
    chosen: list[Chosen] = []
    found = [experiments[accession] for accession in pairs.signals]
    whole_cell = any(not experiment_fault(each, query) and not each.fractions for each in found)
    for accession, signals in pairs.signals.items():
        experiment = experiments[accession]
        fault = None if listed else experiment_fault(experiment, query)
        if not fault and experiment.fractions and whole_cell:
            fault = f"made from a subcellular fraction ({', '.join(experiment.fractions)}), and whole cells were found"
        if fault:
            rejected += [(file, fault) for signal in signals for file in signal.files.values()]
            continue
        ranks = [(_rank(signal, signals), signal) for signal in signals]
        best_rank, best = min(ranks, key=lambda pair: [value for _, value in pair[0]])
        for rank, signal in ranks:
            if signal is not best:
                why = f"{best.accessions} of the same experiment chosen instead: {_advantage(best_rank, rank)}"
                rejected += [(file, why) for file in signal.files.values()]
        donors, reason = donors_of(best, experiment), describe_choice(best, experiment)
        if names := [each.experiment.accession for each in chosen if set(each.donors) & set(donors)]:
            reason += f"; same donor as {', '.join(names)}, kept as a separate experiment"
        chosen.append(Chosen(best, experiment, donors, reason))
    return Choice(tuple(chosen), tuple(sorted(rejected, key=lambda pair: pair[0].accession)))


def file_fault(file: File, query: Query) -> str | None:
    """Why a file cannot be used, or None."""
    assembly, status = query.first("assembly"), query.first("status")
    strands = "the plus or the minus strand" if query.stranded else "both strands together"
    match file:
        case File(file_format=other) if other != "bigWig":
            return f"its format is {other or 'not stated'}, not bigWig"
        case File(assembly=other) if other != assembly:
            return f"its assembly is {other or 'not stated'}, not {assembly}"
        case File(status=other) if other != status:
            return f"its status is {other or 'not stated'}, not {status}"
        case File(output_type=other) if other not in query.output_types:
            return f"its output type is not a signal of {strands}: {other or 'not stated'}"
        case File(experiment=""):
            return f"it belongs to {file.dataset or 'no data set'}, not to an experiment"
        case File(experiment=accession) if query.experiments is not None and accession not in query.experiments:
            filters = "&".join("=".join(pair) for pair in query.of_experiments)
            return f"its experiment does not pass {filters}"
        case File(date=date) if date and date < RECENT:
            return f"it was made in {date[:4]}, before {RECENT}"
        case File(no_file_available=True):
            return "the portal says that no file is available"
        case File(restricted=True):
            return "access to it is restricted"
        case File(status=other) if other not in GIVEN_OUT:
            return f"its status is {other}, and only {' and '.join(GIVEN_OUT)} files can be downloaded from the portal"
        case File(href="") | File(stored=False):
            return "the portal offers no download for it"
        case File(md5=None):
            return "the portal gives no MD5 for it"
        case File(read_length=int(length)) if length < SHORTEST_READ:
            return f"its mapped reads have {length} bases, fewer than {SHORTEST_READ}"
        case File(audit=Audit.ERROR):
            return "the portal's audit of it or its alignments found an ERROR"
    return None


def experiment_fault(experiment: Experiment, query: Query) -> str | None:
    """Why an experiment cannot be used, or None; its status may be `released` or the one searched for."""
    statuses = dict.fromkeys((RELEASED, query.first("status")))
    if experiment.status not in statuses:
        return f"the status of its experiment is {experiment.status or 'not stated'}, not {' or '.join(statuses)}"
    if experiment.perturbed or experiment.interventions:
        what = f" ({', '.join(experiment.interventions)})" if experiment.interventions else ""
        return f"its experiment is perturbed{what}"
    if experiment.audit is Audit.ERROR:
        return "the portal's audit of its experiment found an ERROR"
    return None


def pair_fault(plus: File, minus: File) -> str | None:
    """Why two files are not the two strands of one signal, or None."""
    for file, strand in ((plus, Strand.PLUS), (minus, Strand.MINUS)):
        if file.strand is not strand:
            return f"{file.accession} is the {file.output_type}"
    names = ("experiments", "reads", "biological replicates", "technical replicates", "analyses", "annotations")
    for name, first, second in zip(names, _pair_key(plus), _pair_key(minus), strict=True):
        if first != second:
            return f"{plus.accession} and {minus.accession} have different {name}: {first} and {second}"
    return None


def donors_of(signal: Signal, experiment: Experiment) -> tuple[str, ...]:
    """Donors of a signal's replicates, or of all replicates if the file names none."""
    numbers = signal.first.replicates or tuple(experiment.donors)
    return tuple(sorted({donor for number in numbers for donor in experiment.donors.get(number, ())}))


def describe_choice(signal: Signal, experiment: Experiment) -> str:
    """Why a signal was chosen, in words."""
    file = signal.first
    numbers = ", ".join(map(str, file.replicates))
    return "; ".join(
        (
            f"{file.reads} reads",
            f"replicates {numbers} pooled" if len(file.replicates) > 1 else f"replicate {numbers or 'not stated'}",
            f"made {file.date[:10] or 'on an unknown date'}",
            f"mapped reads of {file.read_length} bases" if file.read_length else "read length not stated",
            _audit_words(experiment.audit, *(each.audit for each in signal.files.values())),
            *(["perturbation not stated"] if experiment.perturbed is None else []),
            *(f"subcellular fraction: {fraction}" for fraction in experiment.fractions),
        )
    )


def _audit_words(*audits: Audit | None) -> str:
    """The worst of several findings, and whether any of them is unknown."""
    worst = max((audit for audit in audits if audit is not None), default=Audit.NONE)
    if None in audits:
        return f"audit: {worst.name}, others not stated" if worst else "audit not stated"
    return f"audit: {worst.name}" if worst else "no audit findings"


def _severity(audit: Audit | None) -> float:
    """Rank of a finding; an unknown audit ranks between no finding and a warning."""
    return (Audit.NONE + Audit.WARNING) / 2 if audit is None else audit


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
    """Pair the strands of one experiment's files; unpaired files are added to `rejected`."""
    groups: dict[tuple[object, ...], dict[Strand, list[File]]] = defaultdict(lambda: defaultdict(list))
    for file in files:
        groups[_pair_key(file)][file.strand].append(file)
    signals = []
    for by_strand in groups.values():
        strands = [Strand.UNSTRANDED] if Strand.UNSTRANDED in by_strand else [Strand.PLUS, Strand.MINUS]
        # More than one file per strand is rare; the best two are then paired, the second best two, and so on.
        ordered = [sorted(by_strand[strand], key=_file_rank) for strand in strands]
        paired = [*zip(*ordered, strict=False)]
        signals += [Signal(dict(zip(strands, files, strict=True))) for files in paired]
        for strand, other in zip(strands, reversed(strands), strict=True):
            why = f"no {other} file of the same experiment, replicates, analysis and reads to pair it with"
            rejected += [(file, why) for file in sorted(by_strand[strand], key=_file_rank)[len(paired) :]]
    return signals


def _file_rank(file: File) -> tuple[Any, ...]:
    """A rank for files of one strand with equal `_pair_key`; lower is better."""
    return not file.date, _severity(file.audit), not file.preferred, -_day(file), file.accession


def _day(file: File) -> int:
    """The date when it was made as a sortable number, such as 20210304; 0 if it is not stated."""
    return int(file.date[:10].replace("-", "") or 0)


def _rank(signal: Signal, among: Sequence[Signal]) -> tuple[tuple[str, Any], ...]:
    """The criteria by which signals are compared, in words, each with a value that is lower for the better signal."""
    file, files = signal.first, signal.files.values()
    newest = max(_day(each) for other in among for each in other.files.values() if each.analyses == file.analyses)
    return (
        ("unique reads only", file.reads is not Reads.UNIQUE),
        ("made on a known date", not all(each.date for each in files)),
        ("milder audit findings", max(_severity(each.audit) for each in files)),
        ("more replicates pooled", -len(file.replicates)),
        ("preferred by the portal", not all(each.preferred for each in files)),
        ("newer analysis", -newest),
        ("lower accession", file.accession),
    )


def _advantage(best: Sequence[tuple[str, Any]], other: Sequence[tuple[str, Any]]) -> str:
    """The first criterion by which the best signal is better, in words."""
    return next(words for (words, value), (_, worse) in zip(best, other, strict=True) if value != worse)
