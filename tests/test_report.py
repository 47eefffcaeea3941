"""The report page: its cells, its figures side by side, and that it opens without loading anything."""

import re
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from browser import Elements, open_page

from rnatracks.errors import InputError
from rnatracks.figures import gene_scatter, score_bars, svg_text, training_curve
from rnatracks.locus import Kind, Panel, locus_figure
from rnatracks.report import (
    BASE_COLUMNS,
    BENCHMARK_COLUMNS,
    DIFFERENTIAL_COLUMNS,
    GENE_COLUMNS,
    Gallery,
    Picture,
    ReportContent,
    TrainingRun,
    facts,
    headline,
    inline_svg,
    read_benchmarks,
    table,
    write_report,
)
from rnatracks.terms import Strand

RESOURCES = Path(__file__).parents[1] / "resources"
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
        for kind, noise in ((Kind.OBSERVED, 0.5), (Kind.PREDICTED, 0.15)):
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
    base = scores({"bases": 812_345_678}, BASE_COLUMNS, rng)
    gene = scores({"genes": 19_433}, GENE_COLUMNS, rng)
    differential = pd.DataFrame(
        [(cell, *CELL_TYPES, strand, "test", 1_204, 0.49, 0.44, 0.53) for cell in CELL_TYPES for strand in Strand],
        columns=list(DIFFERENTIAL_COLUMNS),
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
    return ReportContent(
        title="RNA-seq tracks from DNA: amber & jade",
        summary=headline(base, gene),
        warnings=["Nothing was held out: every score below is measured on the chromosomes the models were trained on."],
        overview=facts({"workflow commit": "3f0c1d2", "results": "results/demo", "chromosomes": "chr1, chr2"}),
        config="models:\n  amber:\n    cell_types: [amber]\n",
        found=facts({"amber": 4}),
        resolved=facts({"amber_1": "listed in the sample sheet"}),
        samples=table(samples, dict.fromkeys(samples.columns, "")),
        tracks=table(
            tracks,
            dict.fromkeys(tracks.columns, "") | {"nonzero_mean": "Mean over the nonzero bases."},
            {"nonzero_mean": 5},
        ),
        training=[
            TrainingRun(model=name, settings=settings, curve=Gallery(caption("training_curve"), [curve(rng)]))
            for name in CELL_TYPES
        ],
        bars=Gallery(caption("score_bars"), [Picture("Scores of every track", svg_text(score_bars(base, gene)))]),
        base=table(base, BASE_COLUMNS),
        gene=table(gene, GENE_COLUMNS),
        differential=table(differential, DIFFERENTIAL_COLUMNS),
        scatters=Gallery(caption("gene_scatter"), [scatter(rng, f"{c} {s}") for c, s in TRACKS]),
        loci=Gallery(caption("locus"), [locus_picture(rng)]),
        inputs=table(inputs, dict.fromkeys(inputs.columns, "")),
        software=facts({"torch": "2.13.0", "transformers": "5.23.0"}),
        benchmarks=table(benchmarks, BENCHMARK_COLUMNS),
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
            assert value is None or value.startswith(("#", "data:")), (tag, name, value)
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


def test_page_has_no_nan(page: Path) -> None:
    assert not re.search(r">\s*(nan|None|NaN|<NA>)\s*<", page.read_text(encoding="utf-8"))


def test_same_content_gives_the_same_page(page: Path, content: ReportContent, tmp_path: Path) -> None:
    write_report(tmp_path / "again.html", content, TEMPLATE)
    assert (tmp_path / "again.html").read_bytes() == page.read_bytes()


@pytest.mark.parametrize(
    ("values", "cells"),
    [
        ([0.84249, np.nan, -0.1], ["0.842", "–", "-0.100"]),
        ([1.0, 0.0], ["1.000", "0.000"]),
        ([1234567, 0], ["1,234,567", "0"]),
        ([1234567.0, np.nan], ["1,234,567", "–"]),
        ([40211.4, 1.0], ["40,211.4", "1.0"]),
        ([5e-5, 0.0], ["5e-05", "0"]),
        ([np.nan, np.nan], ["–", "–"]),
        (["amber", None, ""], ["amber", "–", "–"]),
        ([True, False], ["True", "False"]),
    ],
)
def test_cells(values: list, cells: list[str]) -> None:
    assert [row[0] for row in table(pd.DataFrame({"x": values}), {"x": ""}).rows] == cells


def test_cells_of_asked_decimals() -> None:
    frame = pd.DataFrame({"x": [0.10137, np.nan]})
    assert table(frame, {"x": ""}, decimals={"x": 5}).rows == (("0.10137",), ("–",))


def test_numbers_align_right_and_text_left() -> None:
    made = table(pd.DataFrame({"n": [1], "t": ["a"]}), {"t": "Text.", "n": "Number."})
    assert [(column.name, column.numeric) for column in made.columns] == [("t", False), ("n", True)]


def test_table_of_a_missing_column() -> None:
    with pytest.raises(ValueError, match=r"missing=\['y'\]"):
        table(pd.DataFrame({"x": [1]}), {"y": ""})


def test_headline_of_held_out_and_of_training_only() -> None:
    base = scores({"bases": 10}, BASE_COLUMNS, np.random.default_rng(0)).query("cell_type == 'amber'")
    base["pearson_log1p"] = base["split"].map({"train": 0.871, "test": 0.842, "all": 0.86})
    empty = base.iloc[:0].drop(columns="region")
    assert headline(base, empty) == [
        "Base resolution on held-out chromosomes, amber plus: 0.842 (training 0.871).",
        "Base resolution on held-out chromosomes, amber minus: 0.842 (training 0.871).",
    ]
    trained = base.query("split != 'test' and strand == 'plus'").drop(columns="region")
    assert headline(base.iloc[:0], trained) == [
        "Gene expression on training chromosomes, amber plus: 0.871 (no held-out score)."
    ]


def test_headline_names_the_model_where_two_predict_a_track() -> None:
    base = scores({"bases": 10}, BASE_COLUMNS, np.random.default_rng(0)).query("strand == 'plus'")
    lines = headline(base.assign(cell_type="amber"), base.iloc[:0].drop(columns="region"))
    assert ["amber plus, model amber" in line for line in lines] == [True, False]


def test_read_benchmarks(tmp_path: Path) -> None:
    (tmp_path / "train").mkdir()
    files = [tmp_path / "train" / "amber.tsv", tmp_path / "short.tsv"]
    files[0].write_text("s\th:m:s\tmax_rss\n12.5\t0:00:12\t100.5\n13.5\t0:00:13\t90.0\n")
    files[1].write_text("s\th:m:s\tmax_rss\n0.1\t0:00:00\t-\n")
    frame = read_benchmarks(files, tmp_path)
    assert table(frame, BENCHMARK_COLUMNS).rows == (("train/amber", "13.500", "100.500"), ("short", "0.100", "–"))


def test_read_benchmarks_of_another_file(tmp_path: Path) -> None:
    (tmp_path / "x.tsv").write_text("a\tb\n1\t2\n")
    with pytest.raises(InputError, match=r"x.tsv: found 1 rows of a, b; expected a Snakemake benchmark"):
        read_benchmarks([tmp_path / "x.tsv"], tmp_path)


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


def test_page_opens_in_a_browser(page: Path, tmp_path: Path) -> None:
    probe = tmp_path / "probe.html"
    click = '<script>document.querySelector("#base ~ .wide button").click();</script></body>'
    probe.write_text(page.read_text(encoding="utf-8").replace("</body>", click), encoding="utf-8")
    opened = open_page(probe, tmp_path / "profile")
    assert "CONSOLE" not in opened.log, opened.log
    assert opened.tags["svg"] == 2 + 1 + 4 + 1
    assert opened.tags["table"] == 5 + 2 + 3 + 3
    assert 'aria-sort="ascending"' in opened.html
