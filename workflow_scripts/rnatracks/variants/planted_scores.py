"""Predicted effects of simulated changes against the effects that were planted.

The simulation has levels, and a model predicts normalised coverage. On a track, k is the coverage that a level of 1 has
in the data: the summed observed expression of the listed genes that are not silent, divided by their summed levels. The
planted effect is log2((k * after + c) / (k * before + c)), with the pseudocount c of the predicted effect. One k per
track keeps the random factors of single genes out of the truth, and the observed data keep it the same for all models.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from ..correlation import Moments, spearman
from ..evaluation.covered_bases import ValueCounts
from ..genome.tables import on_strand
from ..tracks.expression import log2_ratio
from ..vocabulary import Track
from .effect_table import read_effects

PLANTED_SCORE_COLUMNS = [
    *("model", "cell_type", "strand", "kind", "effects", "changed", "sign_accuracy", "slope", "pearson", "spearman"),
    "auroc",
]
ALL_KINDS = "all"


def read_gene_effects(path: Path) -> pd.DataFrame:
    """Read `id`, `gene_id`, `track` and `log2_ratio` of the rows with a gene from a table of effects."""
    parts = read_effects(path, ["id", "gene_id", "track", "log2_ratio"])
    return pd.concat([part.loc[part["gene_id"] != ""] for part in parts], ignore_index=True)


def planted_pairs(
    predicted: pd.DataFrame, effects: pd.DataFrame, observed: pd.DataFrame, pseudocount: float
) -> pd.DataFrame:
    """Set the predicted effects next to the planted ones.

    Parameters
    ----------
    predicted
        As `read_gene_effects` gives them, of one model.
    effects
        Planted levels, as `planted_effects.read_planted_effects` gives them: what is not listed is left out.
    observed
        Gene x track matrix of the observed tracks, indexed by `gene_id`.
    pseudocount
        c, in units of normalised coverage.

    Returns
    -------
    Columns `id`, `kind`, `gene_id`, `track`, `planted`, `predicted`, by track in the order of the observed ones;
    `planted` is exactly 0 where the level stays the same. Effects without a prediction are left out: genes out of
    reach, or without an exonic base left.
    """
    predicted = predicted.dropna(subset="log2_ratio").rename(columns={"log2_ratio": "predicted"})
    by_track, parts = dict(iter(predicted.groupby("track"))), []
    for name in filter(by_track.__contains__, observed.columns):
        track = Track.parse(name)
        levels = effects.loc[effects["cell_type"] == track.cell_type].drop(columns="cell_type")
        unit = _unit(levels, on_strand(observed, track.strand)[name])
        joined = by_track[name].merge(levels, on=["id", "gene_id"], validate="one_to_one")
        before, after = (unit * joined[column] for column in ("level_before", "level_after"))
        parts.append(joined.assign(planted=log2_ratio(after, before, pseudocount)))
    columns = ["id", "kind", "gene_id", "track", "planted", "predicted"]
    return pd.concat(parts, ignore_index=True)[columns] if parts else pd.DataFrame(columns=columns)


def _unit(levels: pd.DataFrame, observed: pd.Series) -> float:
    """Observed expression of a level of 1; NaN if no listed gene on the track is expressed."""
    genes = levels.drop_duplicates("gene_id").set_index("gene_id")["level_before"]
    both = pd.DataFrame({"level": genes, "observed": observed}).dropna().query("level > 0")
    return both["observed"].sum() / both["level"].sum() if len(both) else np.nan


def planted_rows(model: str, pairs: pd.DataFrame) -> Iterator[dict]:
    """Rows of `evaluation/planted_variants.tsv` of one model: for each of its tracks, all kinds and then each.

    `auroc` compares |predicted| where the planted effect is not 0 with all effects of the track for which it is 0.
    """
    for name, on_track in pairs.dropna(subset="planted").groupby("track", sort=False):
        track = Track.parse(str(name))
        whose = {"model": model, "cell_type": track.cell_type, "strand": str(track.strand)}
        unchanged = on_track.loc[on_track["planted"] == 0]
        for kind, rows in ((ALL_KINDS, on_track), *on_track.groupby("kind")):
            changed = rows.loc[rows["planted"] != 0]
            signs = np.sign(changed["planted"]) == np.sign(changed["predicted"])
            moments = Moments.of(rows["planted"], rows["predicted"])
            compared = pd.concat([changed, unchanged])
            yield whose | {
                "kind": kind,
                "effects": len(rows),
                "changed": len(changed),
                "sign_accuracy": signs.mean() if len(changed) else np.nan,
                "slope": moments.slope,
                "pearson": moments.pearson,
                "spearman": spearman(rows["planted"], rows["predicted"]),
                "auroc": ValueCounts.of(
                    compared["planted"].abs().to_numpy(), compared["predicted"].abs().to_numpy(np.float32)
                ).auroc,
            }
