"""Figures of sequence changes: the shares that are drawn, and both alleles at a locus."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from bigwigs import write_intervals
from report.made_up_variants import EXONS, GENES, effects, top_variant

from rnatracks.figures.colours import CHANGE_COLOUR, SignalKind
from rnatracks.figures.locus import Panel
from rnatracks.figures.shown_tracks import ShownVariant, allele_panels
from rnatracks.figures.style import svg_text
from rnatracks.figures.variant_effects import (
    effect_distribution,
    no_variant_figure,
    shown_region,
    variant_figure,
)
from rnatracks.genome.edits import Edit
from rnatracks.genome.loci import Region
from rnatracks.variants.effect_summary import EFFECT_EDGES, EffectCounts, strongest_of
from rnatracks.variants.top_variants import TopVariant
from rnatracks.vocabulary import Strand, Track

PLUS = Track("amber", Strand.PLUS)


def counts_of(sizes: list[float]) -> EffectCounts:
    bins = np.zeros(len(EFFECT_EDGES) + 1, np.int64)
    for size in sizes:
        if size:
            bins[sum(size >= edge for edge in EFFECT_EDGES)] += 1
    return EffectCounts(sizes.count(0), bins)


@pytest.fixture
def variant() -> TopVariant:
    (row,) = strongest_of(effects(1, 50), 1).itertuples()
    return replace(top_variant(row, "m"), shown_tracks=(PLUS,))


def test_distribution_draws_the_share_of_effects_at_least_as_large() -> None:
    sizes = [0.0, 0.0, 0.001, 0.02, 0.02, 0.3, 1.5, 4.0]
    figure = effect_distribution({Strand.PLUS: counts_of(sizes)}, {Strand.PLUS: counts_of([0.01] * 3)}, "m: eqtl")
    (axes,) = figure.axes
    zero, line = axes.lines[2:4]  # after those of the random changes
    assert list(zero.get_ydata()) == [1, 1]
    for at, share in zip(*line.get_data(), strict=True):
        assert share == pytest.approx(np.mean([size >= 10**at * (1 - 1e-9) for size in sizes]))
    assert max(zero.get_xdata()) < min(line.get_xdata())
    svg = svg_text(figure)
    for text in ("variants: 8 effects", "(25.0% exactly 0)", "random changes: 3 effects", "plus strand", "m: eqtl"):
        assert text in svg


def test_distribution_has_a_panel_for_each_strand_and_none_for_random_changes_without_any() -> None:
    counts = {strand: counts_of([0.1, 0.2]) for strand in (Strand.PLUS, Strand.MINUS)}
    figure = effect_distribution(counts, {}, "m")
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["plus strand", "minus strand"]
    assert "random" not in svg_text(figure)


@pytest.mark.parametrize("sizes", [[0.0, 0.0], [1e-9], [500.0], [0.5]])
def test_distribution_of_odd_effects_is_drawn(sizes: list[float]) -> None:
    svg = svg_text(effect_distribution({Strand.UNSTRANDED: counts_of(sizes)}, {}, "m"))
    assert f"variants: {len(sizes)} effects" in svg


def test_distribution_without_effects_says_so() -> None:
    assert "no effect on any gene" in svg_text(effect_distribution({}, {}, "m"))


def both_alleles(length: int) -> Panel:
    values = np.linspace(0, 2, length)
    alternative = 2 * values
    alternative[40:50] = np.nan
    return Panel("amber plus", SignalKind.PREDICTED, Strand.PLUS, values, "amber", alternative)


def test_locus_draws_the_alternative_as_a_line_with_a_gap(variant: TopVariant) -> None:
    region = Region("chr19", 20_000, 20_100)
    deletion = replace(variant, edit=Edit("chr19", 20_040, 20_050, b""), name="chr19:20,040 deletion")
    figure = variant_figure(deletion, region, GENES, EXONS, [both_alleles(100)])
    panel = figure.axes[1]
    assert panel.get_ylim()[1] == pytest.approx(1.05 * 4)
    _, line = [patch for patch in panel.patches if hasattr(patch, "get_data")]
    heights, edges, baseline = line.get_data()
    assert baseline is None and not line.get_fill()
    gap = np.flatnonzero(np.isnan(heights))
    assert (edges[gap[0]], edges[gap[-1] + 1]) == (20_040.5, 20_050.5)
    assert "chr19:20,040 deletion" in svg_text(figure)


@pytest.mark.parametrize(("start", "end", "middle"), [(20_040, 20_041, 20_041), (20_040, 20_040, 20_040.5)])
def test_locus_marks_the_changed_place(variant: TopVariant, start: int, end: int, middle: float) -> None:
    region = Region("chr19", 20_000, 20_500)
    changed = replace(variant, edit=Edit("chr19", start, end, b"A"))
    figure = variant_figure(changed, region, GENES, EXONS, [both_alleles(500)])
    for axes in figure.axes:
        marks = [list(line.get_xdata()) for line in axes.lines if line.get_color() == CHANGE_COLOUR]
        assert marks[0] == [middle, middle]


def test_an_alternative_of_another_length_is_refused(variant: TopVariant) -> None:
    panel = replace(both_alleles(100), alternative=np.zeros(99))
    with pytest.raises(ValueError, match="must be"):
        variant_figure(variant, Region("chr19", 20_000, 20_100), GENES, EXONS, [panel])


def test_region_shows_gene_and_change_within_reach(variant: TopVariant) -> None:
    near = replace(
        variant, gene_id="G2", edit=Edit("chr19", 39_000, 39_001, b"A"), region=Region("chr19", 20_000, 42_000)
    )
    # The gene is at 40,000-43,500; a tenth of 4,500 and 50 bases are the margin.
    assert shown_region(near, GENES) == Region("chr19", 38_500, 42_000)


def test_panels_hold_both_alleles_at_the_region(variant: TopVariant, tmp_path: Path) -> None:
    lengths = {"chr19": 1_000}
    write_intervals(tmp_path / "predicted.bw", lengths, {"chr19": [(0, 1_000, 2.0)]})
    (tmp_path / "top").mkdir()
    own = tmp_path / "top" / variant.bigwig_name(PLUS)
    write_intervals(own, lengths, {"chr19": [(100, 140, 5.0), (150, 300, 3.0)]})
    shown = ShownVariant(variant, tmp_path / "top")
    (panel,) = allele_panels(shown, Region("chr19", 130, 160), {PLUS: tmp_path / "predicted.bw"})
    np.testing.assert_array_equal(panel.values, np.full(30, 2.0))
    np.testing.assert_array_equal(panel.alternative, [5.0] * 10 + [np.nan] * 10 + [3.0] * 10)
    assert (panel.label, panel.group) == ("amber plus", "amber")
    assert shown.bigwig(PLUS) == own and shown.bigwig(Track("indigo", Strand.PLUS)) is None


def test_a_missing_variant_has_a_figure_that_says_so() -> None:
    assert "no further variant" in svg_text(no_variant_figure())
