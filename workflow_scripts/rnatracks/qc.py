"""Checks of single samples, before anything is averaged."""

import json
import logging
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from .bigwig import Coverage, SignalSummary, summarise
from .errors import InputError
from .terms import Strand

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class SampleCheck:
    """What one sample's files hold on the chosen chromosomes."""

    sample: str
    cell_type: str
    strands: Mapping[str, SignalSummary]

    @property
    def total(self) -> float:
        """Sum over both strands: what the sample is scaled by."""
        return sum(summary.total for summary in self.strands.values())

    def scale(self, total: float) -> float:
        """Factor that brings the sample to `total`."""
        return total / self.total


def check_headers(paths: Iterable[Path], chromosomes: Collection[str]) -> None:
    """Raise `InputError` unless every file is a bigWig that has these chromosomes: quick, before any job."""
    for path in paths:
        with Coverage(path) as coverage:
            coverage.require_chromosomes(chromosomes)


def check_sample(sample: str, cell_type: str, files: Mapping[Strand, Path], lengths: Mapping[str, int]) -> SampleCheck:
    """Read a sample's bigWigs through and refuse what cannot be RNA-seq coverage of this genome.

    Raises
    ------
    InputError
        See `bigwig.summarise`; the message names the file.
    """
    strands = {}
    for strand, path in files.items():
        with Coverage(path) as coverage:
            strands[str(strand)] = summarise(coverage, lengths)
        if strands[str(strand)].stored_negative:
            log.info("%s, %s: %s stores negative values; their magnitude is taken", sample, strand, path)
    return SampleCheck(sample, cell_type, strands)


def read_check(path: Path) -> SampleCheck:
    """Read back what `files.write_json` wrote of a `SampleCheck`."""
    record = json.loads(path.read_text())
    strands = {strand: SignalSummary(**summary) for strand, summary in record["strands"].items()}
    return SampleCheck(record["sample"], record["cell_type"], strands)


def read_sample_table(path: Path) -> pd.DataFrame:
    """Read `qc/samples.tsv` back; a sample may be called NA."""
    return pd.read_csv(path, sep="\t", dtype={"sample": str, "cell_type": str}, keep_default_na=False)


def sample_table(checks: Iterable[SampleCheck], normalised_total: float) -> pd.DataFrame:
    """One row a sample and strand, for `qc/samples.tsv` and the report."""
    rows = [
        {
            "sample": check.sample,
            "cell_type": check.cell_type,
            "strand": strand,
            "total": summary.total,
            "nonzero_fraction": summary.nonzero / summary.bases,
            "maximum": summary.maximum,
            "stored_negative": "yes" if summary.stored_negative else "no",
            "share_of_pair": summary.total / check.total,
            "scale": check.scale(normalised_total),
        }
        for check in checks
        for strand, summary in check.strands.items()
    ]
    if not rows:
        raise InputError("samples", "no sample", "at least one")
    return pd.DataFrame(rows)
