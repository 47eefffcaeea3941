"""Figures of scores: what is drawn for which track, split, chromosome and level of expression."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from rnatracks.figures.expression_error import error_by_level, expression_levels
from rnatracks.figures.scores import (
    BAR_TRACKS,
    KEYS,
    chosen_tracks,
    chromosome_scores,
    score_bars,
    seam_figure,
)
from rnatracks.figures.style import svg_text
from rnatracks.vocabulary import Strand


def some_scores(cell_types: int = 1, splits: tuple[str, ...] = ("train", "test")) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Scores fall from one cell type to the next."""
    tracks = [
        (f"model{index}", f"cell{index}", strand, split, 0.9 - 0.01 * index)
        for index in range(cell_types)
        for strand in ("plus", "minus")
        for split in splits
    ]
    gene = pd.DataFrame(tracks, columns=["model", "cell_type", "strand", "split", "pearson_log1p"])
    gene = gene.assign(ci_low=0.7, ci_high=0.95, replicate_ceiling=0.95, attainable=0.99)
    gene = gene.assign(other_cell_type=np.nan, mean_of_others=0.5, baseline_cnn=0.4)
    return pd.concat([gene.assign(region="all"), gene.assign(region="exon", pearson_log1p=0.1)]), gene


def some_chromosomes(tracks: int = 2) -> pd.DataFrame:
    base, _ = some_scores(tracks, ("train",))
    tracks_only = base.loc[base["region"] == "all", KEYS]
    parts = [
        tracks_only.assign(chrom=chrom, split=split, pearson_log1p=score)
        for chrom, split, score in (("chr1", "train", 0.9), ("chr2", "valid", 0.8), ("chr10", "test", 0.7))
    ]
    return pd.concat(parts)


def some_profiles() -> dict[Strand, pd.DataFrame]:
    profile = np.random.default_rng(3).uniform(0.9, 1.1, (256, 2))
    profile[0, 1] = 3
    return {strand: pd.DataFrame(profile, columns=["observed", "predicted"]) for strand in (Strand.PLUS, Strand.MINUS)}


def some_levels() -> pd.DataFrame:
    rng = np.random.default_rng(4)
    observed = pd.Series(np.where(rng.random(300) < 0.3, 0, rng.lognormal(0, 2, 300)))
    split = pd.Series(np.where(np.arange(300) % 3, "train", "test"))
    return error_by_level(observed, observed * rng.lognormal(0, 1, 300), split, 0.01)


@pytest.mark.parametrize(
    "draw",
    [
        lambda: score_bars(*some_scores()),
        lambda: chromosome_scores(some_chromosomes()),
        lambda: seam_figure(some_profiles(), [0, 128], "small"),
        lambda: expression_levels(some_levels(), "small"),
    ],
)
def test_a_figure_drawn_twice_is_byte_identical(draw: Callable[[], Figure]) -> None:
    assert svg_text(draw()) == svg_text(draw())


def test_score_bars_show_levels_strands_ceilings_and_baselines() -> None:
    svg = svg_text(score_bars(*some_scores()))
    for text in ("single bases", "gene expression", "model0: cell0 +", "model0: cell0 −", "held-out", "training"):
        assert f">{text}</text>" in svg
    for text in ("attainable", "replicate ceiling", "mean of other cell types", "model cnn"):
        assert f">{text}</text>" in svg
    assert "other cell type" in svg and ">other cell type's data</text>" not in svg  # empty everywhere


def test_score_bars_are_the_scores_of_all_bases() -> None:
    widths = [patch.get_width() for patch in score_bars(*some_scores()).axes[0].patches]
    assert widths == pytest.approx([0.9] * 4)


def test_score_bars_of_empty_tables() -> None:
    base, gene = some_scores()
    assert "gene expression" in svg_text(score_bars(base.iloc[:0], gene.iloc[:0]))


def test_few_tracks_are_all_shown() -> None:
    base, _ = some_scores(2)
    assert [track[1:] for track in chosen_tracks(base, 4)] == [
        (f"cell{index}", strand) for index in range(2) for strand in ("plus", "minus")
    ]


def test_of_many_tracks_the_first_and_the_worst_held_out_are_shown() -> None:
    base, gene = some_scores(30)
    best = (base["cell_type"] == "cell29") & (base["split"] == "test")
    base.loc[best, "pearson_log1p"] = 0.99  # its training score stays the worst
    chosen = chosen_tracks(base, 8)
    assert [track[1] for track in chosen] == [cell for cell in ("cell0", "cell1", "cell27", "cell28") for _ in range(2)]
    assert len(score_bars(base, gene).axes[0].get_yticks()) == BAR_TRACKS


def test_chromosomes_keep_their_order_and_their_colours() -> None:
    figure = chromosome_scores(some_chromosomes())
    assert [label.get_text() for label in figure.axes[0].get_xticklabels()] == ["chr1", "chr2", "chr10"]
    svg = svg_text(figure)
    assert all(f">{text}</text>" in svg for text in ("training", "validation", "held-out", "model1: cell1 −"))


def test_no_two_named_tracks_have_one_line() -> None:
    svg_lines = [line for line in chromosome_scores(some_chromosomes(4)).axes[0].lines if "cell" in line.get_label()]
    assert len({line.get_label() for line in svg_lines}) == 8
    assert len({(line.get_color(), line.get_linestyle()) for line in svg_lines}) == 8


def test_many_tracks_are_not_named() -> None:
    assert ">model0: cell0 +</text>" not in svg_text(chromosome_scores(some_chromosomes(20)))


def test_a_chromosome_without_a_score_keeps_its_place() -> None:
    scores = some_chromosomes()
    scores.loc[scores["chrom"] == "chr2", "pearson_log1p"] = np.nan
    assert len(chromosome_scores(scores).axes[0].get_xticklabels()) == 3


def test_error_by_level_against_pandas() -> None:
    rng = np.random.default_rng(5)
    observed = pd.Series(rng.lognormal(0, 2, 602))
    observed[:100] = 0
    predicted = observed * 2 + 0.03
    predicted[100:110] = np.nan
    split = pd.Series(np.where(np.arange(602) % 3, "train", "test"))
    found = error_by_level(observed, predicted, split, 0.01)
    assert found["genes"].sum() == 592
    silent = found[found["level"] == "silent"].set_index("split")
    assert silent["median"].to_dict() == pytest.approx({"train": 2.0, "test": 2.0})  # log2((0.03 + 0.01) / 0.01)
    known = predicted.notna() & (observed > 0)
    bins = pd.qcut(observed[known], 6, labels=False)
    errors = np.log2((predicted[known] + 0.01) / (observed[known] + 0.01))
    by_bin = errors.groupby([bins, split[known]])
    ours = found[found["level"] != "silent"]  # by level, then training before held-out
    groups = [by_bin.get_group((level, name)) for level in range(6) for name in ("train", "test")]
    expected = [group.quantile([0.25, 0.5, 0.75]) for group in groups]
    np.testing.assert_allclose(ours[["lower", "median", "upper"]], expected, atol=1e-12)


def test_levels_count_no_gene_of_a_split_as_0() -> None:
    observed, split = pd.Series([0.0, 0.0, 5.0]), pd.Series(["train", "test", "test"])
    svg = svg_text(expression_levels(error_by_level(observed, observed, split, 0.01), ""))
    assert ">1 / 1</text>" in svg
    assert ">0 / 1</text>" in svg


@pytest.mark.parametrize("observed", [[], [0.0, 0.0], [1.0], [2.0] * 40])
def test_error_by_level_of_few_or_equal_genes(observed: list[float]) -> None:
    values = pd.Series(observed, dtype=float)
    found = error_by_level(values, values, pd.Series("train", values.index, dtype=object), 0.01)
    assert found["genes"].sum() == len(observed)
    assert (found["median"] == 0).all()
    assert "observed expression" in svg_text(expression_levels(found, ""))


def test_the_seam_s_own_step_is_drawn_and_written() -> None:
    figure = seam_figure(some_profiles(), [0], "small")
    assert "3.00×" in svg_text(figure)
    assert [axes.get_ylabel().split("\n")[0] for axes in figure.axes] == ["plus", "minus"]


def test_seams_of_a_track_without_signal() -> None:
    silent = pd.DataFrame(np.full((16, 2), np.nan), columns=["observed", "predicted"])
    assert "unstranded" in svg_text(seam_figure({Strand.UNSTRANDED: silent}, [0], ""))
