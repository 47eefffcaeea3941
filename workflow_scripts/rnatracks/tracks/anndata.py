"""Gene x track matrices as AnnData, for single-cell and bulk expression tools."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from anndata import AnnData

from ..files import atomic_write
from ..genome.tables import GENE_COLUMNS
from ..vocabulary import Track

UNIT = "mean normalised coverage of the gene's exonic bases"
STRAND = "on a stranded track, only values of genes on its strand are expression; the others are antisense coverage"


def to_anndata(matrix: pd.DataFrame, normalisation: Mapping[str, float | str], shared_exons: str) -> AnnData:
    """Turn a gene x track matrix into AnnData: tracks are observations, genes are variables.

    Parameters
    ----------
    matrix
        As returned by `expression.read_matrix`, indexed by `gene_id`.
    normalisation
        How samples were scaled: `total`, `per` and `over`, as in the configuration.
    shared_exons
        How exonic bases that several genes share were counted.

    Returns
    -------
    `X` is float32 `[track, gene]`, NaN where a gene has no value; `obs` has each track's
    cell type and strand, `var` the columns `GENE_COLUMNS`, and `uns` the unit, the settings, and what the strand means.
    """
    columns = [name for name in matrix.columns if name not in GENE_COLUMNS]
    tracks = [Track.parse(name) for name in columns]
    obs = pd.DataFrame(
        {"cell_type": [track.cell_type for track in tracks], "strand": [str(track.strand) for track in tracks]},
        index=pd.Index(columns, name="track", dtype=object),
    )
    uns = {"unit": UNIT, "strand": STRAND, "shared_exons": shared_exons}
    uns |= {f"normalisation_{key}": value for key, value in normalisation.items()}
    values = np.ascontiguousarray(matrix[columns].to_numpy(np.float32).T)
    return AnnData(X=values, obs=obs, var=matrix.drop(columns=columns), uns=uns)


def write_h5ad(table: AnnData, target: Path) -> None:
    """Write AnnData, atomically."""
    with atomic_write(target) as partial:
        table.write_h5ad(partial, compression="gzip")
