"""The genes that are predicted best, missed and invented by the models."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from ..genome.tables import on_strand
from ..tracks.expression import log2_ratio
from ..vocabulary import Track


@dataclass(frozen=True, kw_only=True)
class Standout:
    """A gene on one track of a model; `observed` and `predicted` are the mean normalised coverage of its exons."""

    gene_id: str
    gene_name: str
    model: str
    track: Track
    observed: float
    predicted: float
    log2_ratio: float


@dataclass(frozen=True, kw_only=True)
class Standouts:
    """Genes by why they stand out, the most extreme first."""

    best: list[Standout]
    missed: list[Standout]
    invented: list[Standout]


def find_standouts(
    observed: pd.DataFrame,
    predicted: Mapping[str, pd.DataFrame],
    tracks: Sequence[tuple[str, Track]],
    chromosomes: Collection[str],
    pseudocount: float,
    number: int,
) -> Standouts:
    """Choose genes by the size of `log2((predicted + pseudocount) / (observed + pseudocount))`.

    A track's genes are those on its strand with observed or predicted signal. The best ones have the ratios nearest to
    0 in the upper half of the track's observed expression, because predicting silence would be too easy. The missed
    ones have the lowest ratios in the same half. The invented ones have the highest ratios among genes that are silent
    or in the lowest quarter of the observed expression.

    Parameters
    ----------
    observed
        Gene matrix from `expression.read_matrix`.
    predicted
        One such matrix per model.
    tracks
        Pairs of a model and a track to consider.
    chromosomes
        Chromosomes to choose genes from.
    pseudocount
        The pseudocount of the ratio, in normalised coverage.
    number
        Number of best genes over all tracks, and of missed and invented genes together: half of each, with one more
        missed gene if the number is odd. Each of the three lists has a gene only once.
    """
    parts = [_ratios(observed, predicted[model], model, track, chromosomes, pseudocount) for model, track in tracks]
    if not parts:
        return Standouts(best=[], missed=[], invented=[])
    ratios = pd.concat(parts, ignore_index=True)
    ratio, invented = ratios["log2_ratio"], number // 2
    return Standouts(
        best=_first(ratios[ratios["high"]], ratio.abs(), number),
        missed=_first(ratios[ratios["high"] & (ratio < 0)], ratio, number - invented),
        invented=_first(ratios[ratios["low"] & (ratio > 0)], -ratio, invented),
    )


def _ratios(
    observed: pd.DataFrame,
    predicted: pd.DataFrame,
    model: str,
    track: Track,
    chromosomes: Collection[str],
    pseudocount: float,
) -> pd.DataFrame:
    genes = on_strand(observed[observed["chrom"].isin(chromosomes)], track.strand)
    frame = pd.DataFrame(
        {
            "gene_name": genes["gene_name"],
            "observed": genes[str(track)],
            "predicted": predicted[str(track)].reindex(genes.index),
        }
    ).dropna()
    frame = frame[(frame["observed"] > 0) | (frame["predicted"] > 0)]
    level = frame["observed"]
    ratio = log2_ratio(frame["predicted"], level, pseudocount)
    high, low = (level > 0) & (level >= level.median()), level <= level.quantile(0.25)
    frame = frame.assign(model=model, track=track, log2_ratio=ratio, high=high, low=low)
    return frame.rename_axis("gene_id").reset_index()


def _first(candidates: pd.DataFrame, order: pd.Series, number: int) -> list[Standout]:
    """Take the genes with the lowest values in `order`."""
    chosen = candidates.loc[order[candidates.index].sort_values(kind="stable").index]
    chosen = chosen.drop_duplicates("gene_id").head(number).drop(columns=["high", "low"])
    return [Standout(**row) for row in chosen.to_dict("records")]
