"""Sequence changes on the browser page: alternative tracks are off at first, and belong to their own region."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from bigwigs import mixed_coverage, write_bases, write_intervals
from browser import Visit, visit

from report.made_up_variants import effects, top_variant
from rnatracks.figures.shown_tracks import ShownTrack, ShownVariant
from rnatracks.genome.edits import Edit
from rnatracks.genome.loci import Region
from rnatracks.report.browser_page import PageText, Place, Why, variant_places, write_browser
from rnatracks.variants.effect_summary import strongest_of
from rnatracks.variants.top_variants import TopVariant
from rnatracks.vocabulary import Strand, Track

TEMPLATE = Path(__file__).parents[2] / "resources/browser.html.j2"
LENGTHS = {"chr1": 3_000}
PLUS, MINUS = Track("amber", Strand.PLUS), Track("amber", Strand.MINUS)
GENES = pd.DataFrame(
    [("G1", "ALPHA", "chr1", "+", 900, 1_400)],
    columns=["gene_id", "gene_name", "chrom", "strand", "start", "end"],
)
EXONS = pd.DataFrame([("chr1", 900, 1_400, "G1")], columns=["chrom", "start", "end", "gene_id"])
REGION = Region("chr1", 800, 1_600)


def variant(model: str, rank: int = 1, start: int = 1_000, **changes: object) -> TopVariant:
    """A deletion of ten bases on gene ALPHA, with changes."""
    (row,) = strongest_of(effects(1, 50), 1).itertuples()
    given = {"edit": Edit("chr1", start, start + 10, b""), "region": REGION, "gene_id": "G1", "gene_name": "ALPHA"}
    given |= {"track": PLUS, "shown_tracks": (PLUS,), "log2_ratio": -1.5, "name": f"chr1:{start} deletion"}
    return replace(top_variant(row, model, rank), **given | changes)


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> dict[str, ShownVariant]:
    """The variant in two models; the second model has no gene score, and a track on each strand."""
    made = {}
    second = variant("cnn", gene_score=np.nan, shown_tracks=(PLUS, MINUS))
    for number, each in enumerate((variant("genos"), second)):
        folder = tmp_path_factory.mktemp("top")
        for track in each.shown_tracks:
            intervals = [(800, 1_000, 7.0 + number), (1_010, 1_600, 9.0 + number)]
            write_intervals(folder / each.bigwig_name(track), LENGTHS, {"chr1": intervals})
        made[each.model] = ShownVariant(each, folder)
    return made


@pytest.fixture(scope="module")
def page(shown: dict[str, ShownVariant], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder, rng = tmp_path_factory.mktemp("page"), np.random.default_rng(3)
    sources = []
    for track in (PLUS, MINUS):
        for model in ("", "genos", "cnn"):
            path = write_bases(folder / f"{track}.{model}.bw", {"chr1": mixed_coverage(rng, 3_000)})
            sources.append(ShownTrack(track, path, model))
    locus = Place(name="a locus", why=Why.LOCUS, region=Region("chr1", 0, 3_000))
    places = [locus, *variant_places([[shown["genos"]], [shown["cnn"]]])]
    text = PageText(held_out=["chr1"], left_out=[], pseudocount=0.01)
    write_browser(folder / "browser.html", TEMPLATE, places, sources, GENES, EXONS, text)
    return folder / "browser.html"


@pytest.fixture
def screen(page: Path) -> Iterator[Visit]:
    with visit(page) as visited:
        yield visited
        assert visited.log == [] and visited.outside == []


def panels(visited: Visit) -> list[str]:
    """Labels of the panels in view."""
    visited.page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    return [each.get_attribute("aria-label").split(";")[0] for each in visited.page.locator("#panels svg").all()]


def tick_alternatives(visited: Visit) -> None:
    for box in visited.page.locator("#choices [value^=alternative]").all():
        box.check()


def test_variants_of_all_models_take_turns_and_share_places() -> None:
    tops = [
        [ShownVariant(variant(model, rank, start), Path(model)) for rank, start in enumerate(starts, 1)]
        for model, starts in {"a": [100, 200, 300, 400], "b": [100, 500, 200], "c": []}.items()
    ]
    places = variant_places(tops)
    found = [[(each.variant.model, each.variant.edit.start) for each in place.variants] for place in places]
    both = [("a", 100), ("b", 100)], [("a", 200), ("b", 200)]
    assert found == [both[0], both[1], [("b", 500)], [("a", 300)], [("a", 400)]]
    assert {place.why for place in places} == {Why.VARIANT} and places[0].region == REGION


def test_at_most_five_variants_are_shown() -> None:
    tops = [[ShownVariant(variant(str(model), 1, 100 * model), Path())] for model in range(1, 9)]
    assert len(variant_places(tops)) == 5
    assert variant_places([]) == []


def test_alternative_values_are_those_of_the_bigwigs(page: Path) -> None:
    data = json.loads(re.search(r'id="data">(.*?)</script>', page.read_text(), re.DOTALL)[1])
    kinds = [(track["kind"], track["model"], track["strand"]) for track in data["tracks"]]
    assert kinds == [
        ("observed", "", "plus"),
        ("predicted", "genos", "plus"),
        ("alternative", "genos", "plus"),
        ("predicted", "cnn", "plus"),
        ("alternative", "cnn", "plus"),
        ("observed", "", "minus"),
        ("predicted", "genos", "minus"),
        ("predicted", "cnn", "minus"),
        ("alternative", "cnn", "minus"),
    ]
    locus, own = (region["signals"] for region in data["regions"])
    assert [signal is None for signal in locus] == [kind == "alternative" for kind, _, _ in kinds]
    assert [own[index][0] for index in (2, 4, 8)] == [9.0, 10.0, 10.0]
    assert data["regions"][1]["change"] == [1_000, 1_010]


def test_alternatives_are_off_at_first_and_only_at_their_region(screen: Visit) -> None:
    assert len(panels(screen)) == 6
    screen.page.click(".go[data-region='1']")
    assert len(panels(screen)) == 6
    tick_alternatives(screen)
    labels = panels(screen)
    assert len(labels) == 9 and labels[2] == "amber plus, alternative by genos"
    screen.page.click(".go[data-region='0']")
    assert len(panels(screen)) == 6


def test_the_change_is_marked_at_its_place(screen: Visit) -> None:
    assert screen.page.locator("[data-change]").count() == 0
    screen.page.click(".go[data-region='1']")
    assert len(panels(screen)) + 1 == screen.page.locator("[data-change]").count(), "and in the gene models"
    screen.page.evaluate("show(980, 1020)")
    panels(screen)
    mark, axis = (screen.page.locator(f"#panels {name}").first.bounding_box() for name in ("[data-change]", "line"))
    assert mark["x"] == pytest.approx(axis["x"] + axis["width"] / 2, abs=1)
    assert mark["width"] == pytest.approx(axis["width"] / 4, abs=1)


def test_page_lists_effects_with_their_gene_scores(screen: Visit) -> None:
    rows = screen.page.locator("table").last.locator("tbody tr")
    assert rows.count() == 2
    first, second = (rows.nth(number).inner_text().split("\t") for number in range(2))
    assert first[:4] == ["chr1:1000 deletion", "ALPHA", "amber plus", "genos"] and first[-2] == "-1.50"
    assert second[2] == "cnn" and second[-1] == "–"
    screen.page.click(".go[data-region='1']")
    note = screen.page.inner_text("#note")
    assert "ALPHA in amber plus by genos" in note and "(no gene score)" in note
    assert screen.page.locator("#region option:checked").evaluate("o => o.parentNode.label").startswith("Sequence")


def test_narrow_page_with_variants_does_not_overflow(page: Path) -> None:
    with visit(page, 480) as visited:
        tick_alternatives(visited)
        visited.page.click(".go[data-region='1']")
        panels(visited)
        labels = visited.page.locator("#panels [data-track] text:nth-of-type(2)").all_text_contents()
        assert labels[:5] == ["observed", "genos", "alt. genos", "cnn", "alt. cnn"], "models are not cut off"
        assert visited.page.evaluate("document.documentElement.scrollWidth") <= 480
