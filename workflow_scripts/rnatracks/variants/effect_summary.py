"""What a table of effects amounts to: its strongest variants, the distribution of its effects, and counts.

The tables have a row per variant, gene and track, and are read in parts, so memory does not grow with them.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..files import atomic_write
from ..vocabulary import Strand
from .effect_table import NUMBER_COLUMNS, read_effects

MAX_STRONGEST = 20  # variants per table of effects
VARIANT_KEYS = ["chrom", "pos", "ref_allele", "alt_allele"]
# Bins of |log2_ratio|: the first holds what is above 0 but below the first edge, the last what exceeds the last edge.
EFFECT_EDGES = np.geomspace(1e-6, 100, 401)
SCORED, WITHOUT_GENE, RANDOM, SKIPPED = "scored", "without gene", "random changes", "skipped: "
_WHOLE = dict.fromkeys(("tss_distance", "largest_base_position"), pd.Int64Dtype())  # where they are not empty
_NUMBERS = {
    **dict.fromkeys((*NUMBER_COLUMNS, "gene_score", "percentile"), float),
    **dict.fromkeys(("pos", "number", "rank", "first_base", "last_base"), np.int64),
    **_WHOLE,
}


@dataclass(frozen=True)
class EffectCounts:
    """How many effects are exactly 0, and how many fall into each bin of |log2_ratio| around `EFFECT_EDGES`."""

    zeros: int
    bins: NDArray[np.int64]

    @property
    def number(self) -> int:
        """Number of effects."""
        return self.zeros + int(self.bins.sum())

    @property
    def share_at_least(self) -> NDArray[np.float64]:
        """Share of the effects that are at least as large as each edge."""
        return self.bins[::-1].cumsum()[::-1][1:] / self.number


@dataclass(frozen=True)
class EffectSummary:
    """A table of effects in short.

    Parameters
    ----------
    strongest
        The strongest effect of each of the `MAX_STRONGEST` strongest variants, strongest first, as rows of the table.
    variants, without_gene
        Number of different variants, and of those without a gene in reach.
    counts
        Effects of all variants, genes and tracks, by strand of the track.
    """

    strongest: pd.DataFrame
    variants: int
    without_gene: int
    counts: Mapping[Strand, EffectCounts]


def read_summary(path: Path) -> pd.DataFrame:
    """Read a table that `write_summary` wrote. Text is never missing; empty numbers are."""
    plain = {"sep": "\t", "quoting": csv.QUOTE_NONE, "keep_default_na": False}
    names = list(pd.read_csv(path, nrows=0, **plain).columns)
    empty = {name: [""] for name in names if name in _NUMBERS}
    return pd.read_csv(path, dtype={name: _NUMBERS.get(name, str) for name in names}, na_values=empty, **plain)


def write_summary(rows: pd.DataFrame, target: Path) -> None:
    """Write some rows of a table of effects, or counts; `target` is complete or absent."""
    with atomic_write(target) as partial:
        rows.to_csv(partial, sep="\t", index=False, float_format="%.6g", quoting=csv.QUOTE_NONE)


def strongest_of(effects: pd.DataFrame, most: int) -> pd.DataFrame:
    """The strongest effect of each variant, strongest first, at most `most`; of equal ones, the first in the table."""
    effects = effects[effects["log2_ratio"].notna()]
    order = effects["log2_ratio"].abs().sort_values(ascending=False, kind="stable").index
    return effects.loc[order].drop_duplicates(VARIANT_KEYS).head(most).reset_index(drop=True)


def summarise_effects(path: Path) -> EffectSummary:
    """Summarise a table of effects, `variants/{model}/{NAME}.tsv.gz` or that of its random changes."""
    strongest: list[pd.DataFrame] = []
    variants, with_gene = np.empty(0, np.uint64), np.empty(0, np.uint64)
    counts: dict[str, EffectCounts] = {}
    for part in read_effects(path):
        strongest = [strongest_of(pd.concat([*strongest, part], ignore_index=True), MAX_STRONGEST)]
        keys = pd.util.hash_pandas_object(part[VARIANT_KEYS], index=False).to_numpy()
        variants = np.union1d(variants, keys)
        with_gene = np.union1d(with_gene, keys[(part["gene_id"] != "").to_numpy()])
        for strand, more in _counted(part).items():
            before = counts.get(strand, EffectCounts(0, np.zeros_like(more.bins)))
            counts[strand] = EffectCounts(before.zeros + more.zeros, before.bins + more.bins)
    ordered = {strand: counts[strand] for strand in Strand if strand in counts}
    return EffectSummary(strongest[0].astype(_WHOLE), len(variants), len(variants) - len(with_gene), ordered)


def count_reasons(skipped: Path) -> dict[str, int]:
    """Number of skipped variants by reason, most frequent first, from `{NAME}.skipped.tsv`."""
    reasons = pd.read_csv(skipped, sep="\t", usecols=["reason"], dtype=str, keep_default_na=False)["reason"]
    return reasons.value_counts().to_dict()


def count_table(summary: EffectSummary, background: int, reasons: Mapping[str, int]) -> pd.DataFrame:
    """How many variants were scored and skipped: columns `what`, `number` of `variants/{model}/{NAME}.counts.tsv`."""
    rows = {SCORED: summary.variants, WITHOUT_GENE: summary.without_gene, RANDOM: background}
    rows |= {f"{SKIPPED}{reason}": number for reason, number in reasons.items()}
    return pd.DataFrame(list(rows.items()), columns=["what", "number"])


def _counted(part: pd.DataFrame) -> dict[str, EffectCounts]:
    known = part[part["log2_ratio"].notna()]
    counts = {}
    for strand, sizes in known["log2_ratio"].abs().groupby(known["track"].str.split(".").str[-1]):
        bins = np.searchsorted(EFFECT_EDGES, sizes[sizes > 0].to_numpy(), side="right")
        counts[strand] = EffectCounts(int((sizes == 0).sum()), np.bincount(bins, minlength=len(EFFECT_EDGES) + 1))
    return counts
