"""What a reader sees without scrolling, at 1280 x 900: the table, a locus and the warnings, of runs of any size."""

import functools
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from browser import HEIGHT, Visit, visit

from report.made_up_run import LARGE_MODELS, STRANDS, TEMPLATE, MadeUpRun, large_run
from report.page_layout import WIDTH, box, height, open_folds, overlapping_texts, overlaps, undescribed_images
from rnatracks.report.page import ReportContent, write_report
from rnatracks.report.warnings import MAX_WARNING_LINES

MAX_HEIGHT = 15_000  # three fifths of the page before it had folds
LONG = "dorsolateral_prefrontal_cortex_of_an_adult_donor_with_a_very_long_name"


def twelve_rows() -> ReportContent:
    """As many tracks as the table shows one by one."""
    return MadeUpRun.joint(["genos-lora", "cnn"], ["hepatocyte", "NK", "GM12878"]).content()


def one_track() -> ReportContent:
    run = MadeUpRun(tracks=[("m", name, STRANDS[0]) for name in ("A", "B")], families={"m": "m"})
    return replace(run.content(), warnings=[])


def long_names() -> ReportContent:
    return MadeUpRun.joint([f"model_{LONG}", "cnn"], [LONG, "NK"]).content()


@functools.cache
def large_content() -> ReportContent:
    return large_run().content()


RUNS = {
    "twelve": twelve_rows,
    "one": one_track,
    "long": long_names,
    "large": large_content,
    "nothing": lambda: large_run(held_out=False).content(),
}


@pytest.fixture(scope="module", params=RUNS)
def page(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    if request.param == "large":
        return request.getfixturevalue("large")
    target = tmp_path_factory.mktemp(request.param) / "report.html"
    write_report(target, RUNS[request.param](), TEMPLATE)
    return target


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("large") / "report.html"
    write_report(target, large_content(), TEMPLATE)
    return target


@pytest.fixture
def visited(page: Path) -> Iterator[Visit]:
    with visit(page, WIDTH) as opened:
        yield opened


def test_table_locus_and_warnings_are_in_view_side_by_side(visited: Visit) -> None:
    boxes = [box(visited, name) for name in ("h1", ".run", ".first .wide", ".legend", ".locus", ".warnings")]
    assert all(each.left >= 0 and each.top >= 0 for each in boxes)
    assert {each.name: each for each in boxes if each.bottom > HEIGHT or each.right > WIDTH} == {}
    assert overlaps([*boxes, box(visited, ".links"), box(visited, "#scores h2")]) == []
    assert box(visited, ".view").bottom - box(visited, ".view").top > 130
    shown = visited.page.evaluate("(e => e.scrollWidth - e.clientWidth)(document.querySelector('.first .wide'))")
    assert shown <= (100 if "long" in visited.page.url else 0), "the table needs no scrolling sideways"


def test_the_page_is_short_and_no_text_covers_another(visited: Visit) -> None:
    assert height(visited) < MAX_HEIGHT
    assert overlapping_texts(visited) == []
    assert undescribed_images(visited) == []
    open_folds(visited)
    assert overlapping_texts(visited) == []
    assert visited.log == []


def test_the_first_screen_of_a_narrow_window_has_one_column(large: Path) -> None:
    with visit(large, 420) as visited:
        boxes = [box(visited, name) for name in ("h1", ".run", ".first .wide", ".locus", ".warnings")]
        assert overlaps(boxes) == []
        assert sorted(boxes, key=lambda each: each.top) == boxes
        assert visited.page.evaluate("document.documentElement.scrollWidth") <= 420


def test_a_large_run_has_a_row_per_model_and_a_fold_with_all_tracks(large: Path) -> None:
    run = large_run()
    test = run.base[(run.base["split"] == "test") & (run.base["region"] == "all")]
    worst = test.loc[test["pearson_log1p"].idxmin()]
    with visit(large, WIDTH) as visited:
        rows = visited.page.locator(".first tbody tr")
        assert [row.locator("th").first.inner_text() for row in rows.all()] == list(LARGE_MODELS)
        visited.page.get_by_role("link", name="All 200 tracks").click()
        every = visited.page.locator("#all-tracks tbody tr:visible")
        every.first.wait_for()
        assert every.count() == 20, "a page of 200"
        visited.page.locator("#all-tracks thead button", has_text="single bases: held-out").click()
        assert every.first.locator("th").all_inner_texts() == [worst["model"], worst["cell_type"], worst["strand"]]
        visited.page.locator("#all-tracks thead button", has_text="genes: replicate ceiling").click()
        ceilings = pd.Series(run.gene.loc[run.gene["split"] == "test", "replicate_ceiling"])
        assert f"{ceilings.min():.3f}" in every.first.inner_text()
        assert visited.log == []


def test_warnings_are_few_lines_that_lead_to_their_sections(large: Path) -> None:
    content = large_content()
    with visit(large, WIDTH) as visited:
        lines = visited.page.locator(".warnings li")
        assert lines.count() == MAX_WARNING_LINES
        assert lines.last.inner_text() == f"{len(content.warnings) - MAX_WARNING_LINES + 1} further warnings"
        for link in visited.page.locator(".warnings a").all():
            assert not visited.page.locator(link.get_attribute("href") or "").locator(".inside").first.is_visible()
            link.click()
            target = link.get_attribute("href") or ""
            assert visited.page.locator(target).locator(".inside").first.is_visible()
            assert -1 < box(visited, target).top < HEIGHT
            visited.page.evaluate("scrollTo(0, 0)")


def test_every_warning_is_in_the_full_list(large: Path) -> None:
    content = large_content()
    with visit(large, WIDTH) as visited:
        listed = visited.page.locator("#warnings").text_content() or ""
        items = visited.page.locator("#warnings li").all_text_contents()
    texts = [each for warning in content.warnings for each in warning.full]
    assert all(each.text in listed for each in texts)
    assert items == [item for each in texts for item in each.items]


def test_a_click_on_the_locus_leads_to_the_locus_section(large: Path) -> None:
    with visit(large, WIDTH) as visited:
        visited.page.locator(".locus").click()
        assert abs(box(visited, "#loci").top) < 5
        whole = visited.page.locator("#loci svg").first
        assert whole.get_attribute("aria-label") == "PLEKHG2"
        assert (whole.bounding_box() or {})["width"] > 600


def test_an_address_with_an_anchor_opens_its_fold(large: Path) -> None:
    with visit(large, WIDTH) as visited:
        visited.page.goto(f"{large.as_uri()}#configuration")
        assert visited.page.locator("#configuration pre").is_visible()


def test_without_script_every_fold_opens_and_every_row_is_there(large: Path) -> None:
    with visit(large, WIDTH, script=False) as visited:
        folds = visited.page.locator("details.fold")
        for fold in folds.all():
            if fold.get_attribute("open") is None:
                fold.locator("> summary").click()
            assert fold.locator("> .inside").is_visible()
        assert visited.page.locator("#all-tracks tbody tr:visible").count() == 200


def test_a_printed_page_has_its_folds_open_and_closes_them_again(large: Path) -> None:
    with visit(large, WIDTH) as visited:
        closed = visited.page.locator("details:not([open])")
        number = closed.count()
        assert number > 10
        visited.page.evaluate("dispatchEvent(new Event('beforeprint'))")
        assert closed.count() == 0
        visited.page.evaluate("dispatchEvent(new Event('afterprint'))")
        assert closed.count() == number


def test_nothing_held_out_is_said_once_per_level(tmp_path: Path) -> None:
    run = MadeUpRun.joint(["genos", "cnn"], ["A", "B"], held_out=False)
    write_report(tmp_path / "report.html", run.content(), TEMPLATE)
    with visit(tmp_path / "report.html", WIDTH) as visited:
        assert visited.page.locator(".first table td", has_text="nothing held out").count() == 2
        scores = run.gene[(run.gene["split"] == "train")]["pearson_log1p"]
        rows = visited.page.locator(".first tbody tr").all_inner_texts()
        assert all(f"{score:.3f}" in row for row, score in zip(rows, scores, strict=True))


def test_no_locus_leaves_the_warnings_and_no_warning_says_so(tmp_path: Path) -> None:
    content = twelve_rows()
    write_report(tmp_path / "a.html", replace(content, loci=replace(content.loci, pictures=[])), TEMPLATE)
    write_report(tmp_path / "b.html", replace(content, warnings=[]), TEMPLATE)
    with visit(tmp_path / "a.html", WIDTH) as visited:
        assert visited.page.locator(".locus").count() == 0
        assert box(visited, ".warnings").bottom < HEIGHT
        visited.open(tmp_path / "b.html")
        assert visited.page.inner_text(".warnings") == "No warnings"
        assert visited.page.locator('a[href="#warnings"]').count() == 0
