"""AnnData of effects has what the table has."""

from pathlib import Path

import anndata
import numpy as np
import pytest

from rnatracks.tracks.anndata import write_h5ad
from rnatracks.variants import effect_table
from rnatracks.variants.anndata import effects_anndata
from rnatracks.variants.effect_table import EFFECT_COLUMNS

from .effect_tables import effect, write_effects

LAYERS = ["ref", "alt", "reach", "shift_log2_ratio", "largest_base_log2_ratio", "largest_base_position", "percentile"]
KEYS = ["chrom", "pos", "id", "ref_allele", "alt_allele", "gene_id"]
SNV, SAME_PLACE, FAR = ("chr1", 5, "A", "C"), ("chr1", 5, "A", "G"), ("chrX", 200_000_001, "AT", "A")


def numbers(seed: int) -> dict[str, float]:
    """Values that the table's six digits hold exactly."""
    rng = np.random.default_rng(seed)
    values = rng.integers(-8, 8, len(LAYERS)) / 8
    return dict(zip(LAYERS, values, strict=True)) | {"largest_base_position": 200_000_001 + seed}


ROWS = [
    effect(SNV, "G2", "NK.v2.plus", 0.5, tss_distance=-7, consequence="exon", gene_score=0.5, **numbers(1)),
    effect(SNV, "G2", "B.plus", -0.25, tss_distance=-7, consequence="exon", **numbers(2)),
    effect(SNV, "G1", "NK.v2.plus", 0.125, tss_distance=9, consequence="intron", gene_score=0.5, **numbers(3)),
    effect(SNV, "", "B.minus", **numbers(4)),
    effect(SNV, "G2", "U.unstranded", 1, tss_distance=-7, consequence="exon", **numbers(5)),  # not next to its others
    effect(SAME_PLACE, "G2", "B.plus", 0.75, tss_distance=-7, consequence="exon", **numbers(6)),
    effect(FAR, "", "B.plus", consequence="intergenic", **numbers(7)),
    effect(FAR, "", "B.plus", consequence="intergenic", **numbers(7)),  # a variant that the file repeats
    effect(FAR, "", "B.plus", consequence="intergenic", **numbers(8)) | {"id": "NA"},
]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("part_rows", [1, 2, 1000])
def test_the_file_equals_the_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part_rows: int) -> None:
    monkeypatch.setattr(effect_table, "PART_ROWS", part_rows)
    write_effects(tmp_path / "effects.tsv.gz", ROWS)
    made = effects_anndata(tmp_path / "effects.tsv.gz", model="m", pseudocount=0.01)
    write_h5ad(made, tmp_path / "a" / "effects.h5ad")
    read = anndata.read_h5ad(tmp_path / "a" / "effects.h5ad")
    assert read.X.dtype == np.float32
    assert read.var_names.tolist() == ["B.minus", "B.plus", "NK.v2.plus", "U.unstranded"]
    assert read.var["cell_type"].tolist() == ["B", "B", "NK.v2", "U"]
    assert read.var["strand"].tolist() == ["minus", "plus", "plus", "unstranded"]
    np.testing.assert_array_equal(read.var["gene_score"], [np.nan, np.nan, 0.5, np.nan])
    assert read.obs_names.tolist() == [
        "chr1:5:A>C:G2",
        "chr1:5:A>C:G1",
        "chr1:5:A>C",
        "chr1:5:A>G:G2",
        "chrX:200000001:AT>A",
        "chrX:200000001:AT>A-1",
    ]
    assert read.obs.columns.tolist() == [*KEYS, "gene_name", "strand", "tss_distance", "consequence"]
    assert read.obs["consequence"].tolist() == ["exon", "intron", "", "exon", "intergenic", "intergenic"]
    np.testing.assert_array_equal(read.obs["tss_distance"], [-7, 9, np.nan, -7, np.nan, np.nan])
    assert set(read.layers) == set(LAYERS)
    filled = set()
    for row in ROWS:
        at = (read.obs[KEYS] == [row[key] for key in KEYS]).all(axis=1).to_numpy().nonzero()[0].item()
        cell = at, read.var_names.get_loc(row["track"])
        np.testing.assert_equal(float(read.X[cell]), row["log2_ratio"])
        assert [float(read.layers[layer][cell]) for layer in LAYERS] == [row[layer] for layer in LAYERS]
        filled.add(cell)
    for layer in LAYERS:
        assert np.isfinite(read.layers[layer]).sum() == len(filled)
    assert np.isfinite(read.X).sum() == 5
    assert (read.uns["pseudocount"], read.uns["model"]) == (0.01, "m")
    assert set(read.uns["units"]) == {"log2_ratio", *LAYERS}
    assert "coverage" in read.uns["units"]["ref"]


def test_odd_names_of_genes_are_kept(tmp_path: Path) -> None:
    write_effects(tmp_path / "effects.tsv.gz", [effect(SNV, "NA", "B.plus", 0.5), effect(SNV, '"q', "B.plus", 0.25)])
    read = effects_anndata(tmp_path / "effects.tsv.gz", model="m", pseudocount=1)
    assert read.obs["gene_id"].tolist() == ["NA", '"q']
    assert read.X.tolist() == [[0.5], [0.25]]


def test_the_columns_are_those_of_the_contract() -> None:
    assert " ".join(EFFECT_COLUMNS) == (
        "chrom pos id ref_allele alt_allele gene_id gene_name strand tss_distance consequence track reach ref alt "
        "log2_ratio shift_log2_ratio largest_base_log2_ratio largest_base_position gene_score percentile"
    )
