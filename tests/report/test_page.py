"""The report page: its cells, its figures side by side, and that it opens without loading anything."""

import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from browser import Elements, open_page, visit

from rnatracks.figures.colours import SignalKind
from rnatracks.figures.locus import Panel, locus_figure
from rnatracks.figures.scatters import gene_scatter
from rnatracks.figures.scores import score_bars
from rnatracks.figures.style import svg_text
from rnatracks.figures.training_curve import training_curve
from rnatracks.report.headlines import headline
from rnatracks.report.page import (
    MAX_PICTURES,
    Data,
    Gallery,
    Picture,
    ReportContent,
    Scores,
    TrainingRun,
    gallery,
    inline_svg,
    write_report,
)
from rnatracks.report.tables import (
    BASE_NOTES,
    BENCHMARK_NOTES,
    DIFFERENTIAL_NOTES,
    GENE_NOTES,
    facts,
    plain_columns,
    scores_table,
    table,
)
from rnatracks.vocabulary import Strand

RESOURCES = Path(__file__).parents[2] / "resources"
TEMPLATE = RESOURCES / "report.html.j2"
CAPTIONS = RESOURCES / "captions"
CELL_TYPES = ("amber", "<b>jade</b>")
TRACKS = [(cell_type, strand) for cell_type in CELL_TYPES for strand in (Strand.PLUS, Strand.MINUS)]


def caption(name: str) -> str:
    return (CAPTIONS / f"{name}.rst").read_text(encoding="utf-8")


def scores(extra: dict[str, float], columns: dict[str, str], rng: np.random.Generator) -> pd.DataFrame:
    rows = []
    for cell_type, strand in TRACKS:
        for split, level in (("train", 0.87), ("test", 0.79), ("all", 0.86)):
            r = level + rng.normal(0, 0.02)
            rows.append(
                {"model": cell_type, "cell_type": cell_type, "strand": str(strand), "split": split, "region": "all"}
                | {"pearson_log1p": r, "ci_low": r - 0.02, "ci_high": r + 0.02, "pearson": r - 0.1}
                | {"spearman": r - 0.05, "log1p_of_pearson": np.log1p(r - 0.1)}
                | {"replicate_ceiling": np.nan if split == "all" else 0.93, "other_cell_type": 0.55}
                | {"attainable": 0.97, "mean_of_others": np.nan, "spearman_bases": 1_000_000, "mse_squashed": 0.4}
                | {"mean_observed": 0.2, "mean_predicted": 0.21, "predicted_over_observed": 1.05}
                | {"pearson_log1p_per_kb": r}
                | extra
            )
    return pd.DataFrame(rows)[list(columns)]


def locus_picture(rng: np.random.Generator) -> Picture:
    start, length = 39_407_000, 32_000
    genes = pd.DataFrame(
        [
            ("G1", "PLEKHG2", "chr19", "+", start + 5_600, start + 20_100),
            ("G2", "RPS16", "chr19", "-", start + 24_500, start + 27_000),
            ("G3", "ZFP36", "chr19", "+", start - 3_000, start + 2_400),
            ("G4", "LINC01", "chr19", "-", start + 18_000, start + 23_000),
        ],
        columns=["gene_id", "gene_name", "chrom", "strand", "start", "end"],
    )
    exons = pd.DataFrame(
        [
            (gene.gene_id, "chr19", left, min(left + 350, gene.end), gene.strand)
            for gene in genes.itertuples()
            for left in range(gene.start, gene.end, 2_100)
        ],
        columns=["gene_id", "chrom", "start", "end", "strand"],
    )
    panels = []
    for index, (cell_type, strand) in enumerate(TRACKS):
        expected = np.full(length, 0.02)
        for exon in exons[exons["strand"] == strand.symbol].itertuples():
            level = 4 if exon.gene_id != "G1" or index < 2 else 0.1
            expected[max(exon.start - start, 0) : max(exon.end - start, 0)] = level
        for kind, noise in ((SignalKind.OBSERVED, 0.5), (SignalKind.PREDICTED, 0.15)):
            values = expected * rng.lognormal(0, noise, length // 50).repeat(50)
            panels.append(Panel(f"{cell_type} {strand.symbol}", kind, strand, values, f"{cell_type}.{strand}"))
    return Picture("PLEKHG2", svg_text(locus_figure("chr19", start, start + length, genes, exons, panels)))


def curve(rng: np.random.Generator) -> Picture:
    steps = np.arange(10, 4_010, 10)
    log = pd.DataFrame(
        {
            "step": steps,
            "epoch": steps / 1_000,
            "learning_rate": 5e-5 * np.minimum(steps / 200, (1 + np.cos(np.pi * steps / 4_000)) / 2),
            "loss": (0.4 + 3 * np.exp(-steps / 500)) * rng.lognormal(0, 0.15, len(steps)),
            "valid_loss": np.where(steps % 500, np.nan, 0.45 + 3 * np.exp(-steps / 500)),
            "valid_pearson_log1p": np.where(steps % 500, np.nan, 0.9 - np.exp(-steps / 500)),
        }
    )
    return Picture("Training of the model", svg_text(training_curve(log)))


def scatter(rng: np.random.Generator, title: str) -> Picture:
    observed = pd.Series(np.where(rng.random(900) < 0.3, 0, rng.lognormal(1, 1.5, 900)))
    predicted = observed * rng.lognormal(0, 0.4, 900) + rng.exponential(0.1, 900)
    split = pd.Series(np.where(np.arange(900) < 780, "train", "test"))
    return Picture(title, svg_text(gene_scatter(observed, predicted, split, title)))


@pytest.fixture(scope="module")
def content() -> ReportContent:
    rng = np.random.default_rng(5)
    base = scores({"bases": 812_345_678}, BASE_NOTES, rng)
    gene = scores({"genes": 19_433}, GENE_NOTES, rng)
    differential = pd.DataFrame(
        [
            (cell, *CELL_TYPES, strand, "test", 1_204, 0.49, 0.44, 0.53, 0.4, 0.97, 0.9)
            for cell in CELL_TYPES
            for strand in Strand
        ],
        columns=list(DIFFERENTIAL_NOTES),
    )
    samples = pd.DataFrame(
        {"sample": ["s1", "s2"], "cell_type": CELL_TYPES, "total": [1e8, np.nan], "check": ["passed", ""]}
    )
    tracks = pd.DataFrame(
        {
            "track": [f"{c}.{s}" for c, s in TRACKS],
            "total": 50_012_345,
            "nonzero_mean": 0.10137,
            "samples": [4, 4, 13, 13],
        }
    )
    inputs = pd.DataFrame(
        {"file": ["reference/genome.fa"], "bytes": [3_273_481_150], "md5": ["1c9dcaddfa41027f17cd8f7a82c7293b"]}
    )
    benchmarks = pd.DataFrame(
        {
            "job": ["train/amber", "predict/amber/chr1"],
            "seconds": [40_211.4, 812.0],
            "peak_memory_mb": [20_412.3, np.nan],
        }
    )
    settings = facts({"backbone": "ZhejiangLab/Genos-1.2B", "learning_rate": 5e-5, "epochs": 60, "revision": None})
    jobs = pd.DataFrame({"job": [f"predict/chr{index}" for index in range(70)], "seconds": range(70)})
    return ReportContent(
        title="RNA-seq tracks from DNA: amber & jade",
        warnings=["Nothing was held out: every score below is measured on the chromosomes the models were trained on."],
        summary=headline(base, gene),
        bars=Gallery(caption("score_bars"), [Picture("Scores of every track", svg_text(score_bars(base, gene)))]),
        overview=facts({"workflow commit": "3f0c1d2", "results": "results/demo", "chromosomes": "chr1, chr2"}),
        methods=["We used coverage of <b>jade</b>.", "Software: torch."],
        config="models:\n  amber:\n    cell_types: [amber]\n",
        data=Data(
            found=facts({"amber": 4}),
            chromosomes=facts({"chr1": 2100}),
            resolved=facts({"amber_1": "listed in the sample sheet"}),
            samples=table(samples, plain_columns(samples.columns)),
            correlation=Gallery(caption("sample_correlation"), []),
            pca=Gallery(caption("sample_pca"), []),
            tracks=table(
                tracks,
                plain_columns(tracks.columns) | {"nonzero_mean": "Mean over the nonzero bases."},
                {"nonzero_mean": 5},
            ),
        ),
        training=[
            TrainingRun(model=name, settings=settings, curve=Gallery(caption("training_curve"), [curve(rng)]))
            for name in CELL_TYPES
        ],
        untold_models=3,
        scores=Scores(
            beside=facts({"amber": 0.9}),
            others=facts({"AlphaGenome": 0.81}),
            base=scores_table(base, BASE_NOTES),
            base_scatters=Gallery(caption("base_hexbin"), []),
            chromosomes=Gallery(caption("by_chromosome"), []),
            seams=Gallery(caption("seams"), []),
            gene=scores_table(gene, GENE_NOTES),
            gene_scatters=Gallery(caption("gene_scatter"), [scatter(rng, f"{c} {s}") for c, s in TRACKS], "4 of 9."),
            levels=Gallery(caption("expression_levels"), []),
            differential=table(differential, DIFFERENTIAL_NOTES),
            differential_genes=facts({}),
            differences=Gallery(caption("difference_scatter"), []),
        ),
        loci=Gallery(caption("locus"), [locus_picture(rng)]),
        inputs=table(inputs, plain_columns(inputs.columns)),
        software=table(jobs, plain_columns(jobs.columns), most=60),
        benchmarks=table(benchmarks, BENCHMARK_NOTES),
    )


@pytest.fixture(scope="module")
def page(content: ReportContent, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("report") / "report.html"
    write_report(target, content, TEMPLATE)
    assert [path.name for path in target.parent.iterdir()] == ["report.html"]
    return target


def test_page_loads_nothing(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for tag, attributes in Elements(text).tags:
        assert tag not in {"link", "iframe", "object", "embed", "base"}
        for name in ("src", "srcset", "href", "xlink:href", "data", "poster"):
            value = attributes.get(name)
            beside = value == "browser.html"  # a link, which is followed only by a click
            assert value is None or beside or value.startswith(("#", "data:")), (tag, name, value)
    assert "@import" not in text
    assert not re.search(r"url\((?!#)", text)


def test_every_id_is_unique_and_every_reference_has_its_target(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    tags = Elements(text).tags
    ids = Counter(attributes["id"] for _, attributes in tags if "id" in attributes)
    assert [name for name, number in ids.items() if number > 1] == []
    links = {value for _, a in tags for name in ("href", "xlink:href") if (value := a.get(name) or "").startswith("#")}
    assert {link[1:] for link in links} | set(re.findall(r"url\(#([^)]+)\)", text)) <= set(ids)


def test_page_escapes_what_users_name(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert "<b>jade" not in text
    assert "&lt;b&gt;jade&lt;/b&gt;" in text
    assert "amber &amp; jade" in text


def test_page_shows_warnings_before_scores(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert text.index("Nothing was held out") < text.index("on held-out chromosomes")


def test_page_says_what_it_leaves_out(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for words in ("4 of 9.", "3 more models were trained", "10 more rows are in the file"):
        assert words in text


def test_page_has_no_nan(page: Path) -> None:
    assert not re.search(r">\s*(nan|None|NaN|<NA>)\s*<", page.read_text(encoding="utf-8"))


@pytest.mark.parametrize(("published", "shown"), [(0.96, True), (np.nan, False)])
def test_published_figures_are_explained_only_where_there_are_any(
    content: ReportContent, published: float, shown: bool, tmp_path: Path
) -> None:
    beside = pd.DataFrame({"model": ["m", "m"], "single_base_published": [np.nan, published], "ours": [0.9, 0.8]})
    changed = replace(content.scores, beside=table(beside, plain_columns(beside.columns)))
    write_report(tmp_path / "report.html", replace(content, scores=changed), TEMPLATE)
    text = (tmp_path / "report.html").read_text()
    assert ("rows and columns of the published table" in text) is shown
    assert ("The published figures (Genos" in text) is shown
    assert ("No track of this run is among the published ones" in text) is not shown


def test_same_content_gives_the_same_page(page: Path, content: ReportContent, tmp_path: Path) -> None:
    write_report(tmp_path / "again.html", content, TEMPLATE)
    assert (tmp_path / "again.html").read_bytes() == page.read_bytes()


def test_inline_svg_prefixes_ids_and_references() -> None:
    svg = '<svg><metadata>m</metadata><a id="p1" clip-path="url(#p1)"/><use href="#p1"/></svg>'
    svg = f'<?xml version="1.0"?>\n<!-- a -->\n{svg}'
    made = inline_svg(Picture('a "b"', svg), "f1-")
    assert made == (
        '<svg role="img" aria-label="a &#34;b&#34;"><a id="f1-p1" clip-path="url(#f1-p1)"/><use href="#f1-p1"/></svg>'
    )


def test_inline_svg_of_something_else() -> None:
    with pytest.raises(ValueError, match="no <svg"):
        inline_svg(Picture("t", "<html>"), "f1-")


@pytest.mark.parametrize("path", sorted(CAPTIONS.glob("*.rst")), ids=lambda path: path.stem)
def test_captions_are_plain_sentences(path: Path) -> None:
    core = pytest.importorskip("docutils.core")
    text = path.read_text(encoding="utf-8")
    made = core.publish_doctree(text, settings_overrides={"report_level": 1, "halt_level": 1})
    assert {node.tagname for node in made.children} == {"paragraph"}
    assert made.astext().replace("\n\n", "\n").strip() == text.strip()


def test_a_gallery_of_many_figures_shows_the_chosen_ones_and_says_so(tmp_path: Path) -> None:
    paths = {f"m, t{index}": tmp_path / f"{index}.svg" for index in range(MAX_PICTURES + 8)}
    for path in paths.values():
        path.write_text(f"<svg>{path.stem}</svg>")
    chosen = {f"m, t{index}" for index in range(8, MAX_PICTURES + 8)}
    made = gallery("c", paths, chosen, ", the worst")
    assert [picture.title for picture in made.pictures] == [title for title in paths if title in chosen]
    assert made.left_out == f"Of 20 figures, 12 are shown, the worst; the others are in {tmp_path}."
    few = gallery("c", dict(list(paths.items())[:3]), chosen, ", the worst")
    assert (len(few.pictures), few.left_out) == (3, "")
    assert [picture.title for picture in gallery("c", paths).pictures] == list(paths)[:MAX_PICTURES]


def test_page_opens_in_a_browser(page: Path, tmp_path: Path) -> None:
    opened = open_page(page)
    assert "CONSOLE" not in opened.log, opened.log
    assert opened.tags["svg"] == 2 + 1 + 4 + 1
    assert opened.tags["table"] == 1 + 5 + 2 + 2 + 3 + 3


def test_tables_are_sorted_filtered_paged_and_widened(page: Path, tmp_path: Path) -> None:
    with visit(page) as visited:
        long = visited.page.locator("table", has_text="Software versions")
        controls = visited.page.locator("div.controls", has=visited.page.locator("input")).last
        rows = long.locator("tbody tr:visible")
        assert (rows.count(), rows.first.inner_text()) == (20, "predict/chr0\t0")
        assert "10 more rows are in the file" in visited.page.inner_text("#provenance")
        controls.get_by_label("Next rows").click()
        controls.get_by_label("Next rows").click()
        assert rows.first.inner_text() == "predict/chr40\t40"
        assert controls.get_by_label("Next rows").is_disabled()
        for _ in range(2):  # ascending, then descending
            long.get_by_role("button", name="seconds").click()
        assert rows.first.inner_text() == "predict/chr59\t59"
        controls.get_by_label("Filter rows").fill("CHR4 7")
        assert [row.inner_text() for row in rows.all()] == ["predict/chr47\t47"]
        controls.get_by_label("Filter rows").fill("nothing")
        assert "no such row" in controls.inner_text()

        scores = visited.page.locator("table", has_text="base by base")
        detail = scores.locator("th", has_text="mse")
        assert not detail.is_visible()
        visited.page.get_by_role("button", name="all columns").first.click()
        assert detail.is_visible()
        assert visited.log == []
        assert visited.outside == []
