"""The demo's report, opened in a real browser without a network."""

from pathlib import Path

import pytest
from browser import Elements, Opened, open_page

from workflow.conftest import Demo


@pytest.fixture(scope="module")
def opened(demo: Demo, tmp_path_factory: pytest.TempPathFactory) -> Opened:
    return open_page(demo.results / "report.html", tmp_path_factory.mktemp("profile"))


def test_the_report_opens_without_a_console_message(opened: Opened) -> None:
    assert "CONSOLE" not in opened.log


def test_the_report_says_what_was_run(opened: Opened) -> None:
    for text in (
        "commit that wrote this report",
        "config/demo/config.yaml",
        "learning_rate: 0.002",
        "transformers",
        "5.23.0",
    ):
        assert text in opened.html


def test_the_report_shows_samples_and_scores_as_tables(opened: Opened) -> None:
    assert opened.tags["table"] >= 9
    for text in ("amber_2", "indigo_3", "pearson_log1p", "nonzero_fraction", ">test<", ">100,000<"):
        assert text in opened.html


def test_the_report_shows_every_figure(opened: Opened) -> None:
    titles = [attributes.get("aria-label") for tag, attributes in Elements(opened.html).tags if tag == "svg"]
    for model in ("small-amber", "small-indigo"):
        assert model in titles  # training curve
        for strand in ("plus", "minus"):
            assert f"{model}, {model.removeprefix('small-')}.{strand}" in titles  # scatter
    assert {"chr3:13,401-19,000", "chr3-274"} <= set(titles)


def test_locus_figures_have_gene_models_above_a_panel_for_every_track(demo: Demo) -> None:
    svg = Path(demo.results / "figures/loci/chr3_13401-19000.svg").read_text()
    assert "chr3-238 →" in svg
    assert "← chr3-239" in svg
    labels = [f"{cell_type} {strand}" for cell_type in ("amber", "indigo") for strand in ("plus", "minus")]
    for label in labels:
        assert svg.count(f">{label}</text>") == 2  # observed and predicted
