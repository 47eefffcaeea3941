"""AnnData files hold what the gene matrices hold."""

from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pytest

from rnatracks.genome.tables import GENE_COLUMNS
from rnatracks.tracks.anndata import to_anndata, write_h5ad
from rnatracks.tracks.expression import read_matrix, write_matrix

GENES = pd.DataFrame(
    [
        ("NA", "NA", "lncRNA", "chr1", "+", 0, 1, 1, 0.0),
        ("ENSG2.1", "a name", "", "chr1", "-", 0, 300_000_000, 100, 0.25),
        ("shared", "C", "lncRNA", "X", "+", 40, 60, 20, 1.0),
    ],
    columns=list(GENE_COLUMNS),
)


@pytest.fixture
def matrix(tmp_path: Path) -> pd.DataFrame:
    ids = GENES["gene_id"]
    values = {"B.plus": [1 / 3, 0, np.nan], "B.minus": [1e-8, 2e6, np.nan], "NK.v2.unstranded": [1, 2, np.nan]}
    write_matrix(GENES, {name: pd.Series(each, index=ids) for name, each in values.items()}, tmp_path / "genes.tsv.gz")
    return read_matrix(tmp_path / "genes.tsv.gz")


@pytest.mark.filterwarnings("error")
def test_the_file_equals_the_table(matrix: pd.DataFrame, tmp_path: Path) -> None:
    write_h5ad(to_anndata(matrix, {"total": 1e8, "per": "file"}, "leave_out"), tmp_path / "deep" / "genes.h5ad")
    read = anndata.read_h5ad(tmp_path / "deep" / "genes.h5ad")
    tracks = ["B.plus", "B.minus", "NK.v2.unstranded"]
    assert read.X.dtype == np.float32
    np.testing.assert_array_equal(read.X, matrix[tracks].to_numpy(np.float32).T)
    assert read.obs_names.tolist() == tracks
    assert read.obs["cell_type"].tolist() == ["B", "B", "NK.v2"]
    assert read.obs["strand"].tolist() == ["plus", "minus", "unstranded"]
    assert read.var_names.tolist() == ["NA", "ENSG2.1", "shared"]
    assert read.var.columns.tolist() == list(GENE_COLUMNS[1:])
    for column in GENE_COLUMNS[1:]:
        assert read.var[column].tolist() == matrix[column].tolist()
    assert (read.uns["normalisation_total"], read.uns["normalisation_per"]) == (1e8, "file")
    assert read.uns["shared_exons"] == "leave_out"
    assert "coverage" in read.uns["unit"]
    assert "antisense" in read.uns["strand"]
