"""The section on sequence changes: what it shows and in which order, and what it says where nothing was held out."""

import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from browser import visit

from report.made_up_run import STRANDS, TEMPLATE, MadeUpRun
from report.made_up_variants import effects
from report.page_layout import open_folds, overlapping_texts
from rnatracks.figures.style import svg_text
from rnatracks.figures.variant_effects import no_variant_figure
from rnatracks.report.page import write_report
from rnatracks.report.pictures import MAX_PICTURES, gallery
from rnatracks.report.variants import changes_section, effect_warnings, effects_table, set_row
from rnatracks.variants.effect_summary import strongest_of, write_summary
from rnatracks.variants.top_variants import MAX_TOP, choose_top

MODELS = ("genos", "cnn")


def made_up(held_out: bool, variants: bool = True) -> MadeUpRun:
    tracks = [(model, name, strand) for model in MODELS for name in ("amber", "indigo") for strand in STRANDS]
    return MadeUpRun(tracks=tracks, families={name: name for name in MODELS}, held_out=held_out, variants=variants)


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[bool, Path]:
    """The page with a held-out chromosome, and without one."""
    folder = tmp_path_factory.mktemp("pages")
    for held_out in (True, False):
        write_report(folder / f"{held_out}.html", made_up(held_out).content(), TEMPLATE)
    return {held_out: folder / f"{held_out}.html" for held_out in (True, False)}


def test_page_without_variants_has_no_section(tmp_path: Path) -> None:
    write_report(tmp_path / "report.html", made_up(True, variants=False).content(), TEMPLATE)
    assert "Sequence changes" not in (tmp_path / "report.html").read_text()


def test_page_says_what_the_models_cannot_see(pages: dict[bool, Path]) -> None:
    text = pages[True].read_text()
    for words in (
        'href="#variants"',
        "reads 32,000 bases at once",
        "Karollus et al. 2023, Genome Biology 24:56",
        "Huang et al. 2023, Nature Genetics 55:2056",
        "Sasse et al. 2023, Nature Genetics 55:2060",
        "An effect is only as good as the model",
        "chromosome: 1,204; symbolic allele: 17; ALT is *: 3",
        "4 further pairs of model and set",
        "tick “alternative”",
    ):
        assert words in text
    assert "no gene score" not in text


def test_page_warns_where_effects_have_no_gene_score(pages: dict[bool, Path]) -> None:
    text = pages[False].read_text()
    assert "There is no gene score, because nothing was held out." in text
    assert "Effects of sequence changes have no gene score next to them" in text


@pytest.mark.parametrize("width", [1280, 480])
def test_section_fits_the_window(pages: dict[bool, Path], width: int) -> None:
    with visit(pages[True], width) as visited:
        open_folds(visited)
        assert visited.page.evaluate("document.documentElement.scrollWidth") <= width
        assert [pair for pair in overlapping_texts(visited) if "Sequence" in str(pair)] == []
        assert visited.page.locator("#variants svg").count() == 4 + 2
        assert visited.log == []


def test_gene_score_is_next_to_the_effect() -> None:
    table = effects_table([strongest_of(effects(1, 40), 20).assign(model="m", variants="eqtl")])
    names = [column.name for column in table.columns if not column.minor]
    assert names[:7] == ["model", "variants", "variant", "gene_name", "track", "log2_ratio", "gene_score"]
    assert {"percentile", "consequence", "reach", "ref", "alt"} == set(names[7:])
    assert len(table.rows) == 20


@pytest.mark.parametrize("column", ["gene_score", "percentile", "tss_distance"])
def test_an_empty_column_is_dashes(column: str) -> None:
    strongest = strongest_of(effects(1, 40), 3).assign(model="m", variants="eqtl")
    strongest[column] = pd.Series([pd.NA] * 3, dtype=strongest[column].dtype) if column[0] == "t" else np.nan
    table = effects_table([strongest])
    at = [each.name for each in table.columns].index(column)
    assert {row[at] for row in table.rows} == {"–"}


def test_reasons_are_counted_and_shortened() -> None:
    what = ["scored", "without gene", "random changes", *(f"skipped: reason {number}" for number in range(9))]
    row = set_row("eqtl", pd.DataFrame({"what": what, "number": [5, 1, 7, *range(10, 1, -1)]}))
    assert (row["scored"], row["without_gene"], row["random_changes"], row["skipped"]) == (5, 1, 7, sum(range(2, 11)))
    assert row["reasons"].startswith("reason 0: 10; reason 1: 9") and row["reasons"].endswith("; 3 more")


@pytest.mark.parametrize(("configured", "test", "number"), [(True, [], 1), (True, ["chr8"], 0), (False, [], 0)])
def test_warning_only_with_variants_and_nothing_held_out(configured: bool, test: list[str], number: int) -> None:
    assert len(effect_warnings(configured, test)) == number


def test_section_of_a_run_with_many_models_stays_small(tmp_path: Path) -> None:
    """20 models and two sets: twelve tables and figures are shown, and the strongest variant of each model first."""
    models, sets = [f"m{number:02}" for number in range(20)], ["a", "b"]
    (tmp_path / "none.svg").write_text(svg_text(no_variant_figure()))
    strongest = strongest_of(effects(3, 60), 20)
    counts = pd.DataFrame({"what": ["scored", "without gene", "random changes"], "number": [60, 2, 0]})
    top = choose_top({"a": strongest}).assign(first_base=1, last_base=60_000, shown_tracks="amber.plus")
    for name, table in (("strongest", strongest), ("counts", counts), ("top", top.head(2)), ("none", top.head(0))):
        write_summary(table, tmp_path / f"{name}.tsv")
    files = SimpleNamespace(
        variant_counts=[tmp_path / "counts.tsv"] * 40,
        variant_strongest=[tmp_path / "strongest.tsv"] * 40,
        variant_distributions=[tmp_path / "none.svg"] * 40,
        variant_tops=[tmp_path / "none.tsv", *[tmp_path / "top.tsv"] * 19],
        variant_loci=[tmp_path / "none.svg"] * (20 * MAX_TOP),
        planted=(),
        planted_figures=(),
    )
    run = SimpleNamespace(
        models=dict.fromkeys(models),
        variants=sets,
        settings=SimpleNamespace(windows=SimpleNamespace(size=512), split=SimpleNamespace(test=["chr3"])),
        figures=lambda name, paths, titles: gallery(name, dict(zip(titles, paths, strict=True))),
    )
    section = changes_section(files, run)
    assert len(section.sets.rows) == 2 and section.planted is None
    assert len(section.strongest.rows) == 12 * 20 and section.left_out == 28
    assert [row[:2] for row in section.strongest.rows[::20]] == [(f"m{n // 2:02}", sets[n % 2]) for n in range(12)]
    assert [len(each.pictures) for each in (section.distributions, section.loci)] == [MAX_PICTURES] * 2
    assert section.distributions.pictures[1].title == "m00, b"
    titles = [picture.title for picture in section.loci.pictures]
    assert [title[:4] for title in titles] == [f"m{number:02}:" for number in range(1, 13)], "m00 has no variant"
    assert re.search(r"m01: chr19:[\d,]+ .+, (PLEKHG2|RPS16) in \w+ \(\w+\), log2 ratio [+-]\d\.\d\d$", titles[0])
    assert "Of 38 figures, 12 are shown" in section.loci.left_out
