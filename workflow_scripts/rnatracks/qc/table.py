"""The table of samples: what the checks of each found, how well it agrees with its cell type, and its flags."""

import logging
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import InputError, shorten
from ..vocabulary import Track
from .checks import Flag, SampleCheck, no_signal

log = logging.getLogger(__name__)

LEAST_CORRELATION, MARGIN = 0.3, 0.1
LEAST_SAMPLES, DEVIATIONS = 4, 5
SPARSE_BELOW = 0.25


def read_correlation(path: Path) -> pd.DataFrame:
    """Read `qc/correlation.{strand}.tsv`: a square table by sample; NaN where it could not be computed."""
    empty = {column: [""] for column in pd.read_csv(path, sep="\t", nrows=0).columns[1:]}
    table = pd.read_csv(path, sep="\t", dtype={"sample": str}, keep_default_na=False, na_values=empty)
    return table.set_index("sample").astype(float)


def sample_table(
    checks: Iterable[SampleCheck],
    scales: Mapping[str, Any],
    correlations: Mapping[str, pd.DataFrame],
    excluded: Iterable[tuple[str, Track]],
) -> pd.DataFrame:
    """One row per sample and strand, for `qc/samples.tsv` and the report.

    `correlation` is the upper median of a sample's correlations with the other samples of its
    cell type: at least half of them agree with it at least this well. With the upper median, one
    bad sample among three does not also flag the two good ones. A sample is an `outlier` if this
    is below `outlier_bound`, or more than 0.1 below what it reaches with another cell type.
    It is a `copy` if it covers as many bases as another sample and its correlation with it is
    1.0000, as when both have the same coverage, even at another scale. It is `sparse` if it
    covers less than a quarter of the bases that are usual in its cell type: sequencing depth
    alone rarely makes such a difference. `no_signal:CHROM` marks a file without any signal on a
    chromosome that has genes, or where most other samples have signal.

    Parameters
    ----------
    scales
        Arguments of `SampleCheck.scales`.
    correlations
        For every strand, the Spearman correlation of each pair of samples.
    excluded
        Names of samples that are not used, each with the track it would contribute to; their rows hold nothing else.

    Raises
    ------
    InputError
        If there are no samples.
    """
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
            "scale": check.scales(**scales)[strand],
            "concordance": check.concordance,
            "flags": [*check.problems(), *check.strand_problems(strand)],
            "excluded": "no",
            "by_chromosome": summary.by_chromosome,
        }
        for check in checks
        for strand, summary in check.strands.items()
    ]
    if not rows:
        raise InputError("samples", "no sample", "at least one")
    by_chromosome = {(row["sample"], row["strand"]): row.pop("by_chromosome") for row in rows}
    table = pd.DataFrame(rows).astype({"concordance": float})
    groups = table.groupby(["cell_type", "strand"], sort=False).groups
    found = [_compare(table, cell_type, strand, correlations[strand], by_chromosome) for cell_type, strand in groups]
    compared = pd.concat(found).reindex(table.index)
    table.insert(table.columns.get_loc("flags"), "correlation", compared["correlation"])
    table["flags"] = [
        ",".join(dict.fromkeys([*own, *more])) for own, more in zip(table["flags"], compared["flags"], strict=True)
    ]
    listed = [
        {"sample": name, "cell_type": track.cell_type, "strand": str(track.strand), "excluded": "yes"}
        | dict.fromkeys(("stored_negative", "flags"), "")
        for name, track in excluded
    ]
    return pd.concat([table, pd.DataFrame(listed)], ignore_index=True) if listed else table


def chromosome_table(checks: Iterable[SampleCheck]) -> pd.DataFrame:
    """One row per sample, strand and chromosome, for `qc/chromosomes.tsv`: its signal, in the file's own units.

    `share` is this signal as a fraction of the sample's total, both strands together.
    """
    rows = [
        (check.sample, check.cell_type, strand, chrom, total, total / check.total)
        for check in checks
        for strand, summary in check.strands.items()
        for chrom, total in summary.by_chromosome.items()
    ]
    return pd.DataFrame(rows, columns=["sample", "cell_type", "strand", "chrom", "total", "share"])


def _compare(
    table: pd.DataFrame,
    cell_type: str,
    strand: str,
    correlations: pd.DataFrame,
    by_chromosome: Mapping[tuple[str, str], Mapping[str, float]],
) -> pd.DataFrame:
    """`correlation` and further `flags` of one cell type's samples on one strand, by their rows of `table`."""
    rows = table.loc[(table["cell_type"] == cell_type) & (table["strand"] == strand)]
    here = table.loc[table["strand"] == strand].set_index("sample")
    own = here.loc[here["cell_type"] == cell_type]
    foreign = [of.index for other, of in here.groupby("cell_type", sort=False) if other != cell_type]
    others = {name: own.index[own.index != name] for name in rows["sample"]}
    agreement = pd.Series({name: _upper_median(correlations.loc[name, rest]) for name, rest in others.items()})
    bound = outlier_bound(agreement[own.index].dropna().to_numpy())
    flags = []
    for name, nonzero in zip(rows["sample"], rows["nonzero_fraction"], strict=True):
        where, raised = f"sample {name} of {cell_type}, {strand}", []
        usual = own.loc[others[name], "nonzero_fraction"].median()
        if nonzero < SPARSE_BELOW * usual:
            raised.append(Flag.SPARSE)
            _warn(Flag.SPARSE, where, f"signal at {nonzero:.2%} of the bases", f"about {usual:.2%}")
        alike = here.index[(here["nonzero_fraction"] == nonzero) & (correlations.loc[name, here.index] == 1)]
        if copies := [other for other in alike if other != name]:
            raised.append(Flag.COPY)
            _warn(Flag.COPY, where, f"the same coverage as sample {shorten(copies)}", "coverage of its own")
        elsewhere = [_upper_median(correlations.loc[name, names]) for names in foreign]
        least = np.nanmax([bound, *(value - MARGIN for value in elsewhere)])
        if agreement[name] < least:
            raised.append(Flag.OUTLIER)
            found = f"a correlation of {agreement[name]:.2f} with the other samples of its cell type"
            _warn(Flag.OUTLIER, where, found, f"at least {least:.2f}, a bound set from these and from other cell types")
        for chrom, total in by_chromosome[name, strand].items():
            with_signal = sum(by_chromosome[other, strand][chrom] > 0 for other in others[name])
            if total == 0 and 2 * with_signal > len(others[name]):
                found = no_signal(where, chrom, "most other samples of its cell type have signal there")
                raised += found
                for flag, problem in found.items():
                    log.warning("%s: %s", flag, problem)
        flags.append(raised)
    return pd.DataFrame({"correlation": agreement.to_numpy(), "flags": flags}, index=rows.index)


def _upper_median(correlations: pd.Series) -> float:
    """The median, or the larger of the middle two of an even number of values; NaN if there are none."""
    values = correlations.dropna()
    return float(np.quantile(values, 0.5, method="higher")) if len(values) else np.nan


def outlier_bound(agreement: NDArray[np.float64]) -> float:
    """Correlation with its own cell type below which a sample is an outlier, whatever its correlation with others.

    It is at least 0.3: two shallow GM12878 libraries, with 50,000 and 33,000 reads on 2 Mb of
    chr22, still correlate at 0.49, and unrelated samples at 0 or less. With four samples or
    more, it is the median minus five median absolute deviations (3.4 standard deviations of a
    normal distribution), and at least 0.1 below the median, because among samples that agree
    almost exactly, a difference of many deviations means nothing.

    Parameters
    ----------
    agreement
        One value per sample: its `correlation` in the table.
    """
    if len(agreement) < LEAST_SAMPLES:
        return LEAST_CORRELATION
    median = np.median(agreement)
    deviation = np.median(np.abs(agreement - median))
    return max(LEAST_CORRELATION, float(median - max(DEVIATIONS * deviation, MARGIN)))


def _warn(flag: Flag, where: str, found: str, expected: str) -> None:
    advice = "(see the figures in qc/, and exclude the sample if something is wrong with it)"
    log.warning("%s: %s", flag, InputError(where, found, f"{expected} {advice}"))
