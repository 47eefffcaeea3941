"""The browser page: what it holds, and what it does in a real browser without a network."""

import base64
import json
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from bigwigs import mixed_coverage, read_bases, write_bases, write_intervals
from browser import Visit, visit

from rnatracks.evaluation.extreme_genes import Standout, Standouts, find_standouts
from rnatracks.figures.shown_tracks import ShownTrack
from rnatracks.genome.loci import Region
from rnatracks.report.browser_page import (
    MAX_BINS,
    PageText,
    Place,
    Why,
    binned_maxima,
    quantise,
    write_browser,
)
from rnatracks.tracks.bigwig import BLOCK_BASES, Coverage
from rnatracks.vocabulary import Strand, Track

TEMPLATE = Path(__file__).parents[2] / "resources/browser.html.j2"
LENGTHS = {"chr1": 40_000, "chr2": 1_000}
GENES = pd.DataFrame(
    [
        ("ENSG1.4", "ALPHA", "chr1", "+", 5_000, 9_000),
        ("ENSG2.1", "BETA", "chr1", "-", 8_500, 12_000),
        ("ENSG3.1", "</script><b>X", "chr2", "+", 0, 1_000),
    ],
    columns=["gene_id", "gene_name", "chrom", "strand", "start", "end"],
)
EXONS = pd.DataFrame(
    [("chr1", 5_000, 5_400), ("chr1", 8_000, 9_000), ("chr1", 8_500, 12_000), ("chr2", 0, 1_000)],
    columns=["chrom", "start", "end"],
).assign(gene_id=["ENSG1.4", "ENSG1.4", "ENSG2.1", "ENSG3.1"])
ALPHA = Standout(
    gene_id="ENSG1.4",
    gene_name="ALPHA",
    model="genos",
    track=Track("amber", Strand.PLUS),
    observed=2.0,
    predicted=1.0,
    log2_ratio=-0.99,
)
PLACES = [
    Place(name="chr1:1-40,000", why=Why.LOCUS, region=Region("chr1", 0, 40_000)),
    Place(name="chr2", why=Why.LOCUS, region=Region("chr2", 0, 1_000)),
    Place(name="ALPHA", why=Why.MISSED, region=Region("chr1", 4_000, 10_000), gene=ALPHA),
]
TEXT = PageText(held_out=["chr1"], left_out=["jade"], pseudocount=0.01)


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> list[ShownTrack]:
    folder, rng = tmp_path_factory.mktemp("tracks"), np.random.default_rng(3)
    made = []
    for cell_type in ("amber", "indigo"):
        for strand in (Strand.PLUS, Strand.MINUS):
            for model in ("", "genos"):
                path = folder / f"{cell_type}.{strand}.{model}.bw"
                write_bases(path, {chrom: mixed_coverage(rng, length) for chrom, length in LENGTHS.items()})
                made.append(ShownTrack(Track(cell_type, strand), path, model))
    return made


@pytest.fixture(scope="module")
def page(sources: list[ShownTrack], tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("page") / "browser.html"
    write_browser(target, TEMPLATE, PLACES, sources, GENES, EXONS, TEXT)
    return target


@pytest.fixture(scope="module")
def browser(page: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visit]:
    with visit(page) as visited:
        yield visited


@pytest.fixture
def screen(browser: Visit, page: Path) -> Iterator[Visit]:
    browser.open(page)
    wait(browser)
    yield browser
    assert browser.log == []
    assert browser.outside == []


def wait(visited: Visit) -> None:
    """Until what was asked for is drawn: the page draws once before the next frame."""
    visited.page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")


def seen(visited: Visit) -> tuple[str, int, int]:
    """The place in view, 1-based, both ends included."""
    wait(visited)
    data = visited.page.locator("#figure").evaluate("figure => ({...figure.dataset})")
    return data["chrom"], int(data["from"]), int(data["to"])


def search(visited: Visit, text: str) -> str:
    visited.page.fill("#place", text)
    visited.page.press("#place", "Enter")
    return visited.page.inner_text("#status")


def tops(visited: Visit) -> list[float]:
    wait(visited)
    return [float(panel.get_attribute("data-top")) for panel in visited.page.locator("#panels svg").all()]


def bases(source: ShownTrack, place: Place) -> np.ndarray:
    region = place.region
    return np.nan_to_num(read_bases(source.path, region.chrom)[region.start : region.end])


def test_embedded_values_are_those_of_the_bigwigs(page: Path, sources: list[ShownTrack]) -> None:
    data = json.loads(re.search(r'id="data">(.*?)</script>', page.read_text(), re.DOTALL)[1])
    for place, record in zip(PLACES, data["regions"], strict=True):
        width = record["bin"]
        assert width == int(np.ceil((place.region.end - place.region.start) / MAX_BINS))
        for source, (peak, text) in zip(sources, record["signals"], strict=True):
            shown = np.frombuffer(base64.b64decode(text), "<u2") * peak / 65535
            every = bases(source, place)
            expected = [every[start : start + width].max() for start in range(0, len(every), width)]
            np.testing.assert_allclose(shown, expected, rtol=0, atol=1.001 * peak / 131070)


def test_binned_maxima_over_several_blocks(tmp_path: Path) -> None:
    runs = np.random.default_rng(1).random(2 * BLOCK_BASES // 37 + 30).astype(np.float32)
    values, edges = np.repeat(runs, 37), np.arange(len(runs) + 1) * 37
    intervals = list(zip(edges[:-1].tolist(), edges[1:].tolist(), runs.tolist(), strict=True))
    write_intervals(tmp_path / "x.bw", {"chr1": len(values)}, {"chr1": intervals})
    with Coverage(tmp_path / "x.bw") as coverage:
        made = binned_maxima(coverage, Region("chr1", 7, len(values)), 300)
    expected = [values[start : start + 300].max() for start in range(7, len(values), 300)]
    np.testing.assert_array_equal(made, np.array(expected, np.float32))


def test_quantise_silence() -> None:
    peak, text = quantise(np.zeros(3, np.float32))
    assert (peak, base64.b64decode(text)) == (0.0, bytes(6))


def test_page_says_what_it_holds(page: Path) -> None:
    text = page.read_text()
    for part in (
        "held-out chromosomes: chr1",
        "Left out (1): jade",
        "of up to 5 bases",
        "-0.99",
        "chr1:4,001-10,000",
        "Genes missed</th>",
    ):
        assert part in text
    assert "<b>X" not in text
    assert "Genes invented</th>" not in text, "there is none"


def test_page_of_nothing(screen: Visit, sources: list[ShownTrack], tmp_path: Path) -> None:
    write_browser(tmp_path / "empty.html", TEMPLATE, [], sources, GENES, EXONS, TEXT)
    screen.open(tmp_path / "empty.html")
    assert "There is no region to show" in screen.page.inner_text("body")


def test_opens_with_a_panel_for_every_track(screen: Visit) -> None:
    assert seen(screen) == ("chr1", 1, 40_000)
    assert screen.page.locator("#panels svg").count() == 8
    assert screen.page.locator("#head [data-gene]").count() == 2
    assert "1 bin = 5 bases" in screen.page.inner_text("#status")


@pytest.mark.parametrize("text", ["ALPHA", "alpha", "ENSG1.4", "ENSG1", " ALPHA "])
def test_search_moves_the_view_to_the_gene_in_its_own_region(screen: Visit, text: str) -> None:
    assert search(screen, text).startswith("ALPHA: chr1:4,601-9,400")
    assert seen(screen) == ("chr1", 5_001 - 400, 9_000 + 400)
    assert screen.page.locator("#region option:checked").inner_text() == "ALPHA"
    assert screen.page.locator("#region option:checked").evaluate("o => o.parentNode.label") == "Genes missed"
    assert "is expressed, and among the genes that are missed most" in screen.page.inner_text("#note")
    assert "log2 ratio -0.99" in screen.page.inner_text("#note")


def test_search_of_a_gene_that_fills_its_chromosome(screen: Visit) -> None:
    search(screen, "</script><b>X")
    assert seen(screen) == ("chr2", 1, 1_000)


def test_search_of_a_place(screen: Visit) -> None:
    search(screen, "chr1:20,001-20,100")
    assert seen(screen) == ("chr1", 20_001, 20_100)
    assert search(screen, "chr2:901-1200").startswith("This page holds only a part of it: chr2:901-1,000")
    assert seen(screen) == ("chr2", 901, 1_000)


@pytest.mark.parametrize("text", ["GAMMA", "chr9:1-100", "chr2:1,001-1,002"])
def test_search_of_what_is_not_there_says_so_and_moves_nothing(screen: Visit, text: str) -> None:
    before = seen(screen)
    assert search(screen, text).startswith(f"{text} is not on this page, which holds 3 regions only")
    assert seen(screen) == before


def test_search_of_no_place(screen: Visit) -> None:
    assert "is no place" in search(screen, "chr1:9-3")
    assert "is no place" in search(screen, "chr1:0-3")


def test_buttons_and_keys_pan_and_zoom(screen: Visit) -> None:
    search(screen, "chr1:20,001-24,000")
    screen.page.click("[data-move=in]")
    assert seen(screen) == ("chr1", 21_001, 23_000)
    screen.page.focus("#figure")
    screen.page.keyboard.press("ArrowRight")
    assert seen(screen) == ("chr1", 21_501, 23_500)
    screen.page.keyboard.press("-")
    assert seen(screen) == ("chr1", 20_501, 24_500)
    screen.page.keyboard.press("0")
    assert seen(screen) == ("chr1", 1, 40_000)
    screen.page.keyboard.press("ArrowLeft")
    assert seen(screen) == ("chr1", 1, 40_000)


def test_zooms_in_to_20_bases_and_out_to_the_region(screen: Visit) -> None:
    screen.page.focus("#figure")
    for key, size in (("+", 20), ("-", 40_000)):
        for _ in range(20):
            screen.page.keyboard.press(key)
        _, first, last = seen(screen)
        assert last - first + 1 == size


def test_wheel_and_drag(screen: Visit) -> None:
    box = screen.page.locator("#panels svg").first.bounding_box()
    x, y = box["x"] + 0.6 * box["width"], box["y"] + 20
    screen.page.mouse.move(x, y)
    screen.page.keyboard.down("Control")
    screen.page.mouse.wheel(0, -400)
    screen.page.keyboard.up("Control")
    screen.page.wait_for_function("Number(document.getElementById('figure').dataset.from) > 1")
    _, first, last = seen(screen)
    assert last - first + 1 == pytest.approx(40_000 / np.e, abs=2)
    screen.page.mouse.down()
    screen.page.mouse.move(x - 200, y)
    screen.page.mouse.up()
    _, moved, end = seen(screen)
    assert moved > first
    assert end - moved == last - first


def test_hover_tells_the_place_and_the_values_there(screen: Visit, sources: list[ShownTrack]) -> None:
    search(screen, "chr2:11-30")
    wait(screen)
    edge = screen.page.locator("#panels line").nth(1).bounding_box()["x"]
    box = screen.page.locator("#panels svg").first.bounding_box()
    step = (box["x"] + box["width"] - 8 - edge) / 20
    screen.page.mouse.move(edge + 4.5 * step, box["y"] + 30)
    assert screen.page.inner_text("#position") == "chr2:15"
    shown = screen.page.locator("#panels svg text:last-of-type").all_text_contents()
    expected = [bases(source, PLACES[1])[14] for source in sources]
    np.testing.assert_allclose([float(text) for text in shown], expected, rtol=0.01, atol=0.01)


def test_scale_is_shared_by_a_cell_type_or_free(screen: Visit, sources: list[ShownTrack]) -> None:
    own = np.array([bases(source, PLACES[0]).max() for source in sources])
    np.testing.assert_allclose(tops(screen), np.repeat([own[:4].max(), own[4:].max()], 4), rtol=1e-4)
    screen.page.select_option("#scale", "free")
    np.testing.assert_allclose(tops(screen), own, rtol=1e-4)


def test_tracks_can_be_chosen(screen: Visit) -> None:
    screen.page.uncheck("[value=amber]")
    screen.page.uncheck("[value=minus]")
    wait(screen)
    labels = [panel.get_attribute("aria-label") for panel in screen.page.locator("#panels svg").all()]
    assert [label.split(";")[0] for label in labels] == ["indigo plus, observed", "indigo plus, predicted"]


def test_a_region_of_the_table_opens(screen: Visit) -> None:
    screen.page.click(".go[data-region='2']")
    assert seen(screen) == ("chr1", 4_001, 10_000)


def test_narrow_page_does_not_overflow(screen: Visit) -> None:
    screen.page.set_viewport_size({"width": 700, "height": 900})
    wait(screen)
    assert screen.page.evaluate("document.documentElement.scrollWidth") <= 700
    screen.page.set_viewport_size({"width": 1300, "height": 900})


def test_works_in_a_frame_without_storage(screen: Visit, page: Path, tmp_path: Path) -> None:
    outer = tmp_path / "outer.html"
    text = base64.b64encode(page.read_bytes()).decode()
    outer.write_text(f'<iframe sandbox="allow-scripts" width="900" src="data:text/html;base64,{text}"></iframe>')
    screen.open(outer)
    frame = screen.page.frame_locator("iframe")
    frame.locator("#place").fill("ALPHA")
    frame.locator("#place").press("Enter")
    frame.locator("#figure[data-from='4601']").wait_for()


def chosen(genes: list[Standout]) -> list[tuple[str, str, float]]:
    return [(gene.gene_id, str(gene.track.strand), gene.log2_ratio) for gene in genes]


def test_standouts() -> None:
    """Genes on plus but for j and k; the pseudocount is 1, so that the ratios are exact."""
    names = list("abcdefghijk")
    genes = pd.DataFrame(
        {"gene_name": names, "chrom": "chr1", "strand": ["+"] * 9 + ["-"] * 2}, index=pd.Index(names, name="gene_id")
    )
    values = {
        # Of b to h the lowest quarter is up to 0.5, the upper half from 3.
        "observed": {"amber.plus": [0, 0, 0, 1, 3, 7, 15, 31, np.nan, 63, 63]},
        "predicted": {"amber.plus": [0, 3, 1, 15, 3, 3, 1, 63, 9, 0, 0]},
    }
    values["observed"]["amber.minus"] = [99] * 9 + [0, 15.0]
    values["predicted"]["amber.minus"] = [0] * 9 + [7, 7.0]
    observed, predicted = (genes.assign(**values[side]) for side in ("observed", "predicted"))
    tracks = [("m", Track("amber", Strand.PLUS)), ("m", Track("amber", Strand.MINUS))]
    found = find_standouts(observed, {"m": predicted}, tracks, {"chr1"}, 1.0, 5)
    assert [gene.gene_id for gene in found.best] == ["e", "f", "h", "k", "g"]
    # d rises by 3 and is expressed; a is silent on both sides; h is expressed and predicted too high.
    assert chosen(found.missed) == [("g", "plus", -3.0), ("f", "plus", -1.0), ("k", "minus", -1.0)]
    assert chosen(found.invented) == [("j", "minus", 3.0), ("b", "plus", 2.0)]
    for chromosomes, seen_tracks in (({"chr2"}, tracks), ({"chr1"}, [])):
        assert find_standouts(observed, {"m": predicted}, seen_tracks, chromosomes, 1.0, 5) == Standouts(
            best=[], missed=[], invented=[]
        )


def test_a_gene_of_two_tracks_is_once_among_each() -> None:
    genes = pd.DataFrame(
        {"gene_name": ["a", "b"], "chrom": "chr1", "strand": "+", "amber.plus": [7.0, 0], "jade.plus": [3.0, 0]},
        index=pd.Index(["a", "b"], name="gene_id"),
    )
    predicted = genes.assign(**{"amber.plus": [0, 1], "jade.plus": [0, 3]})
    tracks = [("m", Track(name, Strand.PLUS)) for name in ("amber", "jade")]
    found = find_standouts(genes, {"m": predicted}, tracks, {"chr1"}, 1.0, 4)
    assert [(gene.gene_id, gene.track.cell_type) for gene in found.missed] == [("a", "amber")]
    assert [(gene.gene_id, gene.track.cell_type) for gene in found.invented] == [("b", "jade")]
