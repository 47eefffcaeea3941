"""The demo's report: the page and Snakemake's own, opened in a real browser without a network."""

import re
import shutil
import zipfile
from pathlib import Path

import pytest
from browser import HEIGHT, Elements, Opened, open_page, visit
from report.page_layout import WIDTH, box, height, open_folds, overlapping_texts, overlaps, undescribed_images

from workflow.conftest import DEMO, Demo
from workflow.runs import snakemake

MAX_HEIGHT = 15_000  # three fifths of the page before it had folds
CATEGORIES = ["Overview", "Data", "Training", "Scores", "Loci", "Sequence changes", "Provenance"]


@pytest.fixture(scope="module")
def opened(demo: Demo, tmp_path_factory: pytest.TempPathFactory) -> Opened:
    return open_page(demo.results / "report.html")


@pytest.fixture(scope="module")
def reports(demo: Demo, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `snakemake --report`, as one page and as a zip."""
    folder = tmp_path_factory.mktemp("reports")
    for name in ("out.html", "out.zip"):
        run = snakemake(demo.folder, "all", *DEMO, "--report", str(folder / name))
        assert run.status == 0, run.text[-3000:]
    return folder


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
    assert opened.tags["table"] >= 15
    for text in ("amber_2", "indigo_3", "pearson_log1p", "nonzero_fraction", ">test<", ">100,000<", "AlphaGenome"):
        assert text in opened.html


def test_the_report_describes_the_methods_of_the_demo(demo: Demo, opened: Opened) -> None:
    methods = (demo.results / "methods.txt").read_text()
    assert "simulated RNA-seq coverage of amber (3 samples), indigo (3 samples)" in methods
    assert "Held out for testing: chr3" in methods
    assert all(paragraph[:60] in opened.html for paragraph in methods.split("\n\n"))


def test_the_report_warns_that_the_data_are_simulated(opened: Opened) -> None:
    assert "The data are simulated" in opened.html
    assert "Nothing was held out" not in opened.html


def test_the_first_screen_of_the_report_has_scores_a_locus_and_the_warnings(demo: Demo) -> None:
    with visit(demo.results / "report.html", WIDTH) as visited:
        boxes = [box(visited, name) for name in ("h1", ".run", ".first table", ".locus", ".warnings")]
        assert {each.name: each for each in boxes if each.bottom > HEIGHT or each.right > WIDTH} == {}
        assert overlaps(boxes) == []
        assert height(visited) < MAX_HEIGHT
        assert overlapping_texts(visited) == undescribed_images(visited) == []
        rows = [row.locator("th").all_inner_texts() for row in visited.page.locator(".first tbody tr").all()]
        run_line, warned = visited.page.inner_text(".run"), visited.page.inner_text(".warnings")
        open_folds(visited)
        assert overlapping_texts(visited) == []
    tracks = [("small-amber", "amber"), ("small-indigo", "indigo"), ("unet", "amber"), ("unet", "indigo")]
    assert rows == [[*track, strand] for track in tracks for strand in ("plus", "minus")]
    for words in ("small, unet", "amber, indigo (6 samples)", "5 chromosomes", "chr3 held out, chr4 for validation"):
        assert words in run_line
    assert "all 4 tracks of small score below unet" in warned


def test_the_report_shows_every_figure(opened: Opened) -> None:
    titles = [attributes.get("aria-label") for tag, attributes in Elements(opened.html).tags if tag == "svg"]
    for model in ("small-amber", "small-indigo"):
        assert {model, f"Stitching seams of {model}"} <= set(titles)  # the first is the training curve
        for sign in "+−":  # single bases, genes, error by expression level
            assert titles.count(f"{model}, {model.removeprefix('small-')} {sign}") == 3
    for strand in ("plus", "minus"):
        assert {f"Correlation of samples, {strand}", f"small/amber-indigo.{strand}"} <= set(titles)
    assert {"Scores of every track", "Scores by chromosome", "chr3:13,401-19,000", "chr3-274"} <= set(titles)


def test_locus_figures_have_gene_models_above_a_panel_for_every_track(demo: Demo) -> None:
    svg = Path(demo.results / "figures/loci/chr3_13401-19000.svg").read_text()
    assert "chr3-238 →" in svg
    assert "← chr3-239" in svg
    labels = [f"{cell_type} {strand}" for cell_type in ("amber", "indigo") for strand in ("plus", "minus")]
    for label in labels:
        assert svg.count(f">{label}</text>") == 3  # observed, and predicted by two models


def test_the_report_of_snakemake_opens_with_its_categories_in_order(reports: Path, tmp_path: Path) -> None:
    made = open_page(reports / "out.html")
    assert "CONSOLE error" not in made.log, made.log
    shown = re.findall(rf">\d ({'|'.join(CATEGORIES)})<", made.html)
    assert list(dict.fromkeys(shown)) == CATEGORIES


def test_the_zipped_report_holds_the_pages_and_opens(reports: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(reports / "out.zip") as archive:
        assert archive.testzip() is None
        names = [Path(name).name for name in archive.namelist()]
        archive.extractall(tmp_path)
    assert {"browser.html", "methods.txt", "scores.svg", "inputs.tsv", "benchmarks.tsv", "samples.tsv"} <= set(names)
    assert names.count("report.html") == 2  # Snakemake's own, and the page
    made = open_page(tmp_path / "out/report.html")
    assert "CONSOLE error" not in made.log, made.log
    shutil.rmtree(tmp_path / "out")
