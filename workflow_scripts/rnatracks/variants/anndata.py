"""A table of effects as AnnData: variant and gene x track."""

from pathlib import Path

import numpy as np
import pandas as pd
from anndata import AnnData
from anndata.utils import make_index_unique

from ..vocabulary import Track
from .effect_table import VARIANT_COLUMNS, read_effects

_KEYS = [*VARIANT_COLUMNS, "gene_id"]
_ABOUT_GENES = ["gene_name", "strand", "tss_distance", "consequence"]
_UNITS = {
    "log2_ratio": "log2((alt + pseudocount) / (ref + pseudocount)), minus shift_log2_ratio",
    "shift_log2_ratio": "part of that ratio that comes from the shift of windows by an insertion or deletion",
    "ref": "mean normalised coverage of the gene's exonic bases on the reference allele",
    "alt": "mean normalised coverage of the gene's exonic bases on the alternative allele",
    "reach": "share of the gene's exonic bases in windows that hold the variant",
    "largest_base_log2_ratio": "the same log ratio of the single base that changes most",
    "largest_base_position": "position of this base on the reference, from 1",
    "percentile": "percentage of matched random changes with a smaller |log2_ratio| on the track",
}


def effects_anndata(table: Path, *, model: str, pseudocount: float) -> AnnData:
    """Turn a table of effects into AnnData: pairs of a variant and a gene are observations, tracks are variables.

    Parameters
    ----------
    table
        A table of effects; it is read twice, in parts.
    model, pseudocount
        Name of the model and pseudocount of the log ratios, for `uns`.

    Returns
    -------
    `X` is the log2 ratio `[variant and gene, track]`, float32. The layers are the other numbers of a track, float32, or
    float64 for `largest_base_position`; `uns` says what they are. NaN is what the table leaves empty or has no row
    for, such as a gene on the other strand than a track. `obs` has the columns of variant and gene; `gene_id` is empty
    in the observation of the tracks on which a variant has no gene in reach. A variant that the file repeats is there
    once. `var` has the cell type, strand and gene score of each track.

    Notes
    -----
    The arrays take 32 bytes per observation and track: 430 MB for 10,000 variants with two genes each on 667 tracks.
    """
    obs, tracks = _axes(table)
    rows = pd.MultiIndex.from_frame(obs[_KEYS])
    kinds = {name: np.float64 if name == "largest_base_position" else np.float32 for name in _UNITS}
    values = {name: np.full((len(obs), len(tracks)), np.nan, kind) for name, kind in kinds.items()}
    for part in read_effects(table, [*_KEYS, "track", *_UNITS]):
        cells = rows.get_indexer(pd.MultiIndex.from_frame(part[_KEYS])), tracks.index.get_indexer(part["track"])
        for name, layer in values.items():
            layer[cells] = part[name]
    return AnnData(
        X=values.pop("log2_ratio"),
        obs=obs,
        var=tracks,
        layers=values,
        uns={"units": _UNITS, "pseudocount": pseudocount, "model": model},
    )


def _axes(table: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Observations, in the order of the table, and tracks."""
    pairs: list[pd.DataFrame] = []
    scores: list[pd.DataFrame] = []
    for part in read_effects(table, [*_KEYS, *_ABOUT_GENES, "track", "gene_score"]):
        pairs.append(part[[*_KEYS, *_ABOUT_GENES]].drop_duplicates(_KEYS))
        scores.append(part[["track", "gene_score"]].drop_duplicates("track"))
    obs = pd.concat(pairs).drop_duplicates(_KEYS)
    names = obs["chrom"] + ":" + obs["pos"].astype(str) + ":" + obs["ref_allele"] + ">" + obs["alt_allele"]
    obs.index = make_index_unique(pd.Index((names + ":" + obs["gene_id"]).str.removesuffix(":"), dtype=object))
    tracks = pd.concat(scores).drop_duplicates("track").set_index("track").sort_index()
    parsed = [Track.parse(track) for track in tracks.index]
    tracks.insert(0, "cell_type", [track.cell_type for track in parsed])
    tracks.insert(1, "strand", [str(track.strand) for track in parsed])
    return obs, tracks
