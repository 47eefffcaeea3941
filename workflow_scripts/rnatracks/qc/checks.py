"""Checks of single samples, before anything is averaged."""

import json
import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

import pandas as pd

from ..errors import InputError
from ..files import read_text
from ..genome.tables import on_strand
from ..tracks.bigwig import Coverage
from ..vocabulary import Strand
from .signal_summary import SignalSummary, summarise
from .strandedness import strand_concordance

log = logging.getLogger(__name__)

STRANDED_ABOVE = 0.8
SWAPPED_BELOW = 0.2
LEAST_SHARE = 0.25


class Flag(StrEnum):
    """Warning signs in a sample."""

    SWAPPED = "swapped"
    UNSTRANDED = "unstranded"
    UNEQUAL_STRANDS = "unequal_strands"
    SPARSE = "sparse"
    OUTLIER = "outlier"
    COPY = "copy"
    BINNED = "binned"
    NO_SIGNAL = "no_signal"  # followed by `:` and a chromosome


# Columns of `qc/samples.tsv` that hold no numbers.
TEXT_COLUMNS = ("sample", "cell_type", "strand", "stored_negative", "flags", "excluded")
STOPPING = (Flag.SWAPPED, Flag.UNSTRANDED)  # with qc.stop_on_flags, these stop the run


@dataclass(frozen=True)
class SampleCheck:
    """What the files of one sample contain on the chosen chromosomes.

    `concordance` is the fraction of the signal in exons that is on the genes' own strand;
    None for an unstranded sample, or if there is too little signal to tell. `with_exons` has, by
    strand, the chromosomes on which genes of that strand have exons, and `md5` the MD5 of each file.
    """

    sample: str
    cell_type: str
    strands: Mapping[str, SignalSummary]
    concordance: float | None = None
    with_exons: Mapping[str, Sequence[str]] = field(default_factory=dict)
    md5: Mapping[str, str] = field(default_factory=dict)

    @property
    def total(self) -> float:
        """Sum over both strands and the chosen chromosomes."""
        return sum(summary.total for summary in self.strands.values())

    def scales(self, total: float, *, per: str = "pair", over: str = "chosen") -> dict[str, float]:
        """Factor of each strand's file that scales the sample to `total`.

        Parameters
        ----------
        total
            Sum of magnitudes after scaling.
        per
            `pair`: both strands together sum to `total`; `file`: each of them does.
        over
            `chosen`: summed over the chosen chromosomes; `all`: over all chromosomes of each file.

        Raises
        ------
        InputError
            If `over` is `all`, and the other chromosomes were not read.
        """
        sums = {strand: each.total if over == "chosen" else each.file_total for strand, each in self.strands.items()}
        if None in sums.values():
            where = f"sample {self.sample} of {self.cell_type}, file_total"
            raise InputError(where, "nothing", "the sum over all chromosomes (remove the sample's file in qc/samples)")
        pair = sum(sums.values())
        return {strand: total / (pair if per == "pair" else own) for strand, own in sums.items()}

    def problems(self) -> dict[Flag, InputError]:
        """Warning signs in this sample alone: for each flag, an error that can be logged or raised.

        Notes
        -----
        A concordance below 0.2 is `swapped`, one from 0.2 to 0.8 `unstranded`. Two stranded
        GM12878 libraries reach 0.977 and 0.974 on chr22, so swapped files give about 0.03 and an
        unstranded protocol gives 0.5. Nascent RNA (5' ends of K562, GM12878 and MCF7, with the
        antisense transcripts of their promoters) still reaches 0.82 to 0.87.

        Both strands have about the same number of genes. If one has less than a quarter of the
        signal, its file belongs to another sample or is incomplete; on a few chromosomes, one
        highly expressed gene can also be the cause.
        """
        where = f"sample {self.sample} of {self.cell_type}"
        found = {}
        if self.concordance is not None and self.concordance <= STRANDED_ABOVE:
            flag = Flag.SWAPPED if self.concordance < SWAPPED_BELOW else Flag.UNSTRANDED
            advice = {
                Flag.SWAPPED: "plus and minus look swapped: swap them in the sample sheet, or exclude the sample",
                Flag.UNSTRANDED: "the library looks unstranded: list it as unstranded, or exclude the sample",
            }[flag]
            share = f"{self.concordance:.1%} of the signal in exons on the genes' own strand"
            found[flag] = InputError(where, share, f"more than {STRANDED_ABOVE:.0%} ({advice})")
        shares = {strand: summary.total / self.total for strand, summary in self.strands.items()}
        weak = min(shares, key=shares.get)
        if len(shares) > 1 and shares[weak] < LEAST_SHARE:
            found[Flag.UNEQUAL_STRANDS] = InputError(
                f"{where}, {weak}",
                f"{shares[weak]:.1%} of the pair's signal",
                f"at least {LEAST_SHARE:.0%} (compare the sizes and accessions of its files, or exclude the sample)",
            )
        return found

    def strand_problems(self, strand: str) -> dict[str, InputError]:
        """Warning signs in the file of one strand alone: for each flag, an error that can be logged."""
        where, summary, found = f"sample {self.sample} of {self.cell_type}, {strand}", self.strands[strand], {}
        if summary.bin_size > 1:
            found[str(Flag.BINNED)] = InputError(
                where,
                f"values that change only every {summary.bin_size} bases",
                "single-base coverage (made, for example, with bamCoverage --binSize 1)",
            )
        for chrom in self.with_exons.get(strand, ()):
            if summary.by_chromosome[chrom] == 0:
                found |= no_signal(where, chrom, "it has genes")
        return found


def no_signal(where: str, chrom: str, reason: str) -> dict[str, InputError]:
    """The flag of a file without signal on a chromosome, which makes the mean over samples there too low."""
    return {
        f"{Flag.NO_SIGNAL}:{chrom}": InputError(
            where, f"no signal on {chrom}", f"some, because {reason} (is the file complete? if not, exclude the sample)"
        )
    }


def check_headers(paths: Iterable[Path], chromosomes: Collection[str]) -> None:
    """Raise `InputError` unless every file is a bigWig with these chromosomes: quick enough to run before any job.

    Chromosomes that are missing from a header are logged.
    """
    for path in paths:
        with Coverage(path, sparse=True) as coverage:
            coverage.require_chromosomes(chromosomes)


def check_sample(
    sample: str,
    cell_type: str,
    files: Mapping[Strand, Path],
    lengths: Mapping[str, int],
    exons: pd.DataFrame,
    *,
    whole_file: bool = False,
) -> SampleCheck:
    """Read a sample's bigWigs in full and refuse what cannot be RNA-seq coverage of this genome.

    Parameters
    ----------
    exons
        Columns `tables.EXON_COLUMNS`, on the chromosomes of `lengths`.
    whole_file
        Whether to sum the other chromosomes of each file as well.

    Raises
    ------
    InputError
        See `signal_summary.summarise`; the message names the file.
    """
    with ExitStack() as opened:
        tracks = {strand: opened.enter_context(Coverage(path, sparse=True)) for strand, path in files.items()}
        strands = {
            str(strand): summarise(coverage, lengths, whole_file=whole_file) for strand, coverage in tracks.items()
        }
        stranded = Strand.UNSTRANDED not in tracks
        concordance = strand_concordance(tracks[Strand.PLUS], tracks[Strand.MINUS], exons) if stranded else None
    for strand, path in files.items():
        if strands[str(strand)].stored_negative:
            log.info("%s, %s: %s stores negative values; their magnitude is used", sample, strand, path)
    with_exons = {str(strand): list(dict.fromkeys(on_strand(exons, strand)["chrom"])) for strand in files}
    return SampleCheck(sample, cell_type, strands, concordance, with_exons)


def stop_on_flags(checks: Iterable[SampleCheck]) -> None:
    """Raise the `InputError` of the first sample that looks swapped or unstranded."""
    for check in checks:
        for flag, problem in check.problems().items():
            if flag in STOPPING:
                raise problem


def check_copies(checks: Iterable[SampleCheck]) -> None:
    """Raise `InputError` for the first file with the MD5 of an earlier one, whichever samples they belong to."""
    seen: dict[str, str] = {}
    for check in checks:
        for strand, md5 in check.md5.items():
            where = f"sample {check.sample} of {check.cell_type}, {strand}"
            if md5 in seen:
                found = f"a file with the same content as that of {seen[md5]} (MD5 {md5})"
                raise InputError(where, found, "each file once: remove or exclude one of the samples")
            seen[md5] = where


def read_check(path: Path) -> SampleCheck:
    """Read a `SampleCheck` that `files.write_json` wrote."""
    record = json.loads(read_text(path))
    strands = {strand: SignalSummary(**summary) for strand, summary in record["strands"].items()}
    return SampleCheck(**record | {"strands": strands})


def read_sample_table(path: Path) -> pd.DataFrame:
    """Read `qc/samples.tsv`; a sample may be called NA, and the numbers of an excluded one are NaN."""
    empty = {name: [""] for name in pd.read_csv(path, sep="\t", nrows=0).columns if name not in TEXT_COLUMNS}
    kinds = {"sample": str, "cell_type": str}
    return pd.read_csv(path, sep="\t", dtype=kinds, keep_default_na=False, na_values=empty)
