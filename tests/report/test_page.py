"""The report page: its text, its tables and its folds, and that it opens without loading anything."""

import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from browser import Elements, open_page, visit

from report.made_up_run import STRANDS, TEMPLATE, MadeUpRun
from report.page_layout import open_folds
from rnatracks.report.page import ReportContent, write_report
from rnatracks.report.tables import plain_columns, table

CELL_TYPES = ("amber", "<b>jade</b>")


@pytest.fixture(scope="module")
def content() -> ReportContent:
    tracks = [(name, name, strand) for name in CELL_TYPES for strand in STRANDS]
    return MadeUpRun(tracks=tracks, families=dict.fromkeys(CELL_TYPES, "genos")).content()


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
    assert "amber &amp; &lt;b&gt;jade&lt;/b&gt;" in text


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
    changed = replace(content.scores, published=table(beside, plain_columns(beside.columns)))
    write_report(tmp_path / "report.html", replace(content, scores=changed), TEMPLATE)
    text = (tmp_path / "report.html").read_text()
    assert ("arranged as in the published table" in text) is shown
    assert ("The published scores (Genos" in text) is shown
    assert ("The published table has no track of this run" in text) is not shown


def test_same_content_gives_the_same_page(page: Path, content: ReportContent, tmp_path: Path) -> None:
    write_report(tmp_path / "again.html", content, TEMPLATE)
    assert (tmp_path / "again.html").read_bytes() == page.read_bytes()


def test_page_opens_in_a_browser(page: Path, tmp_path: Path) -> None:
    opened = open_page(page)
    assert "CONSOLE" not in opened.log, opened.log
    assert opened.tags["svg"] == 2 + 1 + 4 + 2 + 1  # locus twice, bars, scatters, curves, levels
    assert opened.tags["table"] == 1 + 1 + 6 + 2 + 2 + 3 + 3


def test_tables_are_sorted_filtered_paged_and_widened(page: Path, tmp_path: Path) -> None:
    with visit(page) as visited:
        open_folds(visited)
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
        assert "no matching row" in controls.inner_text()

        scores = visited.page.locator("table", has_text="at single bases (evaluation")
        detail = scores.locator("th", has_text="mse")
        assert not detail.is_visible()
        visited.page.get_by_role("button", name="all columns").first.click()
        assert detail.is_visible()
        assert visited.log == []
        assert visited.outside == []
