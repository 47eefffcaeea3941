"""The genes that the models predict best and worst."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from .terms import Track


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


def find_standouts(
    observed: pd.DataFrame,
    predicted: Mapping[str, pd.DataFrame],
    tracks: Sequence[tuple[str, Track]],
    chromosomes: Collection[str],
    pseudocount: float,
    number: int,
) -> tuple[list[Standout], list[Standout]]:
    """Choose genes by the size of `log2((predicted + pseudocount) / (observed + pseudocount))`.

    Genes count on the strand of a track, where they have signal, observed or predicted. The best are those of the
    smallest ratios in the upper half of a track's observed expression: to predict silence would be too easy. The
    worst are those of the largest ratios.

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
        How many best, and how many worst, over all tracks; a gene is once among each.

    Returns
    -------
    The best and the worst, the most extreme first.
    """
    parts = [_ratios(observed, predicted[model], model, track, chromosomes, pseudocount) for model, track in tracks]
    if not parts:
        return [], []
    ratios = pd.concat(parts, ignore_index=True)
    ratios = ratios.iloc[ratios["log2_ratio"].abs().argsort(kind="stable")]
    best = ratios[ratios["high"]].drop_duplicates("gene_id").head(number)
    worst = ratios.iloc[::-1].drop_duplicates("gene_id").head(number)
    return _listed(best), _listed(worst)


def _ratios(
    observed: pd.DataFrame,
    predicted: pd.DataFrame,
    model: str,
    track: Track,
    chromosomes: Collection[str],
    pseudocount: float,
) -> pd.DataFrame:
    genes = observed[observed["chrom"].isin(chromosomes) & observed["strand"].map(track.strand.holds)]
    frame = pd.DataFrame(
        {
            "gene_name": genes["gene_name"],
            "observed": genes[str(track)],
            "predicted": predicted[str(track)].reindex(genes.index),
        }
    ).dropna()
    frame = frame[(frame["observed"] > 0) | (frame["predicted"] > 0)]
    level = frame["observed"]
    ratio = np.log2((frame["predicted"] + pseudocount) / (level + pseudocount))
    high = (level > 0) & (level >= level.median())
    return frame.assign(model=model, track=track, log2_ratio=ratio, high=high).rename_axis("gene_id").reset_index()


def _listed(frame: pd.DataFrame) -> list[Standout]:
    return [Standout(**row) for row in frame.drop(columns="high").to_dict("records")]
