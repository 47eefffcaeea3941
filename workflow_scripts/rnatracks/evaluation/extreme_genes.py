"""The genes that the models predict best, those that they miss, and those that they invent."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from ..genome.tables import on_strand
from ..tracks.expression import log2_ratio
from ..vocabulary import Track


@dataclass(frozen=True, kw_only=True)
class Standout:
    """A gene on one track, and what a model made of it; expression is the mean normalised coverage of its exons."""

    gene_id: str
    gene_name: str
    model: str
    track: Track
    observed: float
    predicted: float
    log2_ratio: float


@dataclass(frozen=True, kw_only=True)
class Standouts:
    """Genes by what makes them stand out, the most extreme first."""

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

    Genes count on the strand of a track, where they have signal, observed or predicted. The best are those of the
    smallest ratios in the upper half of a track's observed expression: to predict silence would be too easy. The
    missed ones are those of the lowest ratios in the same half. The invented ones are those of the highest ratios among
    genes that are silent or in the lowest quarter of the observed expression.

    Parameters
    ----------
    observed
        Gene matrix as `expression.read_matrix` gives it.
    predicted
        One such matrix a model.
    tracks
        Each model with the tracks that are looked at.
    chromosomes
        Those to choose from.
    pseudocount
        Added to both sides, in normalised coverage.
    number
        How many best over all tracks, and how many missed and invented ones together: half of them each, and one more
        missed where the number is odd. A gene is once among each.
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
    """Take the genes that are lowest in an order."""
    chosen = candidates.loc[order[candidates.index].sort_values(kind="stable").index]
    chosen = chosen.drop_duplicates("gene_id").head(number).drop(columns=["high", "low"])
    return [Standout(**row) for row in chosen.to_dict("records")]
