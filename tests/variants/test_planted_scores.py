"""Planted against predicted effects: the units of the truth, and scores against SciPy and counting by hand."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from rnatracks.variants.planted_scores import planted_pairs, planted_rows, read_gene_effects

C = 0.01
OBSERVED = pd.DataFrame(
    {"gene_id": ["g1", "g2", "g3", "NA"], "strand": ["+", "+", "-", "+"], "amber.plus": [2.0, 1.0, 50.0, np.nan]}
).set_index("gene_id")


def effects(*rows: tuple[str, str, str, float, float]) -> pd.DataFrame:
    columns = ["id", "kind", "gene_id", "level_before", "level_after"]
    return pd.DataFrame(rows, columns=columns).assign(cell_type="amber")


def predictions(*rows: tuple[str, str, float]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["id", "gene_id", "log2_ratio"]).assign(track="amber.plus")


def test_planted_ratio_is_in_the_units_of_the_observed_track() -> None:
    """g1 and g2 have 2 + 1 of coverage at levels 4 + 1: k is 0.6. Neither the other strand nor a repeat counts."""
    planted = effects(
        ("v1", "swap", "g1", 4, 2), ("v2", "swap", "g2", 1, 0), ("v3", "swap", "g1", 4, 4), ("v4", "swap", "g3", 4, 1)
    )
    predicted = predictions(("v1", "g1", -0.5), ("v2", "g2", -3), ("v3", "g1", 0.1), ("v1", "g2", 9), ("v9", "g1", 9))
    pairs = planted_pairs(predicted, planted, OBSERVED, C)
    assert pairs[["id", "gene_id", "predicted"]].to_numpy().tolist() == [
        ["v1", "g1", -0.5],
        ["v2", "g2", -3],
        ["v3", "g1", 0.1],
    ]
    truth = [np.log2((1.2 + C) / (2.4 + C)), np.log2(C / (0.6 + C)), 0]
    np.testing.assert_allclose(pairs["planted"], truth, rtol=1e-12)
    assert pairs["planted"].iloc[2] == 0


def test_effects_without_a_prediction_are_left_out() -> None:
    pairs = planted_pairs(predictions(("v1", "g1", np.nan)), effects(("v1", "swap", "g1", 4, 2)), OBSERVED, C)
    assert len(pairs) == 0 and list(planted_rows("m", pairs)) == []


def test_scores_are_those_of_scipy() -> None:
    rng = np.random.default_rng(0)
    truth = np.where(rng.random(60) < 0.4, 0, rng.normal(size=60))
    pairs = pd.DataFrame({"planted": truth, "predicted": (truth + rng.normal(size=60)).round(1), "track": "NA.plus"})
    pairs["kind"] = np.where(truth == 0, "outside", np.where(rng.random(60) < 0.5, "a", "b"))
    rows = {row["kind"]: row for row in planted_rows("m", pairs)}
    assert list(rows) == ["all", "a", "b", "outside"]
    zero = pairs["predicted"][truth == 0].abs()
    for kind, row in rows.items():
        x, y = pairs.loc[(pairs["kind"] == kind) | (kind == "all"), ["planted", "predicted"]].to_numpy().T
        assert row["effects"] == len(x) and (row["cell_type"], row["strand"]) == ("NA", "plus")
        if kind == "outside":
            assert row["changed"] == 0
            assert np.isnan([row[name] for name in ("sign_accuracy", "slope", "pearson", "spearman", "auroc")]).all()
            continue
        moved = x != 0
        line, u = stats.linregress(x, y), stats.mannwhitneyu(np.abs(y[moved]), zero).statistic
        assert row["slope"] == pytest.approx(line.slope) and row["pearson"] == pytest.approx(line.rvalue)
        assert row["spearman"] == pytest.approx(stats.spearmanr(x, y).statistic)
        assert row["auroc"] == pytest.approx(u / (moved.sum() * len(zero)))
        right = sum(a * b > 0 for a, b in zip(x[moved], y[moved], strict=True))
        assert row["sign_accuracy"] == pytest.approx(right / moved.sum())


def test_rows_without_a_gene_are_not_read(tmp_path: Path) -> None:
    table = "pos\tid\tgene_id\ttrack\tlog2_ratio\n5\tNA\tg1\ta.plus\t\n6\tv\t\ta.plus\t\n7\tw\tNA\ta.plus\t0.5\n"
    (tmp_path / "t.tsv").write_text(table)
    read = read_gene_effects(tmp_path / "t.tsv")
    assert read[["id", "gene_id", "track"]].to_numpy().tolist() == [["NA", "g1", "a.plus"], ["w", "NA", "a.plus"]]
    assert np.isnan(read["log2_ratio"].iloc[0]) and read["log2_ratio"].iloc[1] == 0.5
