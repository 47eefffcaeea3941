"""Tables of effects in short, against the whole table in memory."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from report.made_up_variants import effects

from rnatracks.variants import effect_summary
from rnatracks.variants.effect_summary import (
    EFFECT_EDGES,
    EffectCounts,
    EffectSummary,
    count_reasons,
    count_table,
    read_summary,
    strongest_of,
    summarise_effects,
    write_summary,
)
from rnatracks.vocabulary import Strand

KEYS = ["chrom", "pos", "ref_allele", "alt_allele"]


@pytest.fixture
def made() -> pd.DataFrame:
    return effects(5, 200)


@pytest.fixture
def summary(made: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> EffectSummary:
    """The table in parts of 7 rows, so that variants are divided between parts."""
    monkeypatch.setattr("rnatracks.variants.effect_table.PART_ROWS", 7)
    write_summary(made, tmp_path / "effects.tsv.gz")
    return summarise_effects(tmp_path / "effects.tsv.gz")


def test_strongest_are_the_largest_of_each_variant(made: pd.DataFrame, summary: EffectSummary) -> None:
    sizes = made["log2_ratio"].abs().groupby([made[key] for key in KEYS]).max().nlargest(20)
    assert len(summary.strongest) == 20
    np.testing.assert_allclose(summary.strongest["log2_ratio"].abs(), sizes, rtol=1e-5)
    assert list(summary.strongest["pos"]) == [pos for _, pos, _, _ in sizes.index]
    assert list(summary.strongest.columns) == list(made.columns)


def test_variants_are_counted_once(made: pd.DataFrame, summary: EffectSummary) -> None:
    assert (summary.variants, summary.without_gene) == (200, 4)


def test_a_variant_with_a_gene_on_one_track_only_has_a_gene(made: pd.DataFrame, tmp_path: Path) -> None:
    one = made[made["pos"] == made["pos"].iloc[2]].copy()
    one.loc[one.index[0], ["gene_id", "log2_ratio"]] = ["", np.nan]
    write_summary(one, tmp_path / "one.tsv")
    found = summarise_effects(tmp_path / "one.tsv")
    assert (found.variants, found.without_gene, len(found.strongest)) == (1, 0, 1)


def test_shares_at_least_as_large(made: pd.DataFrame, summary: EffectSummary) -> None:
    assert list(summary.counts) == [Strand.PLUS, Strand.MINUS]
    for strand, counts in summary.counts.items():
        sizes = made.loc[made["track"].str.endswith(str(strand)), "log2_ratio"].dropna().abs().to_numpy()
        sizes = np.array([float(f"{size:.6g}") for size in sizes])
        assert counts.number == len(sizes)
        assert counts.zeros == (sizes == 0).sum() > 0
        np.testing.assert_allclose(counts.share_at_least, (sizes[None] >= EFFECT_EDGES[:, None]).mean(axis=1))


def test_effects_beyond_the_edges_are_counted() -> None:
    part = pd.DataFrame({"track": "x.unstranded", "log2_ratio": [-1e-9, 1e-6, 100.0, -500.0, 0.0, np.nan]})
    (counts,) = effect_summary._counted(part).values()
    assert (counts.number, counts.zeros, counts.bins[0], counts.bins[-1]) == (5, 1, 1, 2)


def test_of_equal_effects_the_first_is_strongest() -> None:
    table = pd.DataFrame({"chrom": "1", "pos": [5, 5, 7, 8], "ref_allele": "A", "alt_allele": list("CCGT")})
    table = table.assign(log2_ratio=[-2.0, 2.0, 2.0, np.nan], gene_id=list("abcd"))
    assert list(strongest_of(table, 5)["gene_id"]) == ["a", "c"]
    assert list(strongest_of(table, 1)["gene_id"]) == ["a"]


def test_a_part_without_a_gene_has_no_effects(made: pd.DataFrame, tmp_path: Path) -> None:
    write_summary(made[made["gene_id"] == ""], tmp_path / "far.tsv")
    found = summarise_effects(tmp_path / "far.tsv")
    assert (found.variants, found.without_gene, dict(found.counts)) == (4, 4, {})
    assert found.strongest.empty


def test_a_table_without_rows(made: pd.DataFrame, tmp_path: Path) -> None:
    write_summary(made.head(0), tmp_path / "none.tsv.gz")
    found = summarise_effects(tmp_path / "none.tsv.gz")
    assert (found.variants, found.without_gene, dict(found.counts)) == (0, 0, {})
    assert list(found.strongest.columns) == list(made.columns) and found.strongest.empty


def test_names_that_look_like_missing_values_are_read_as_text(made: pd.DataFrame, tmp_path: Path) -> None:
    table = made.head(2).assign(
        gene_name=["NA", ""], id=['"', "007"], chrom=["1", "1"], tss_distance=[None, 12_345_678]
    )
    write_summary(table.astype({"tss_distance": "Int64"}), tmp_path / "names.tsv")
    found = read_summary(tmp_path / "names.tsv")
    assert list(found["gene_name"]) == ["NA", ""] and list(found["id"]) == ['"', "007"]
    assert list(found["chrom"]) == ["1", "1"]
    assert found["tss_distance"].isna().tolist() == [True, False] and found["tss_distance"].iloc[1] == 12_345_678


def test_counts_hold_scored_random_and_skipped(tmp_path: Path) -> None:
    skipped = pd.DataFrame({"line": [3, 4, 9], "reason": ["breakend", "NA", "breakend"]})
    skipped.to_csv(tmp_path / "skipped.tsv", sep="\t", index=False)
    summary = EffectSummary(pd.DataFrame(), 12, 2, {Strand.PLUS: EffectCounts(0, np.zeros(402, np.int64))})
    table = count_table(summary, 30, count_reasons(tmp_path / "skipped.tsv"))
    assert dict(zip(table["what"], table["number"], strict=True)) == {
        "scored": 12,
        "without gene": 2,
        "random changes": 30,
        "skipped: breakend": 2,
        "skipped: NA": 1,
    }
