"""Figures inside the page: ids, references, second views, and which of many are shown."""

from pathlib import Path

import pytest

from report.made_up_run import CAPTIONS
from rnatracks.report.pictures import MAX_PICTURES, Picture, gallery, inline_svg, same_svg


def test_inline_svg_prefixes_ids_and_references() -> None:
    svg = '<svg><metadata>m</metadata><a id="p1" clip-path="url(#p1)"/><use href="#p1"/></svg>'
    svg = f'<?xml version="1.0"?>\n<!-- a -->\n{svg}'
    made = inline_svg(Picture('a "b"', svg), "f1-")
    assert made == (
        '<svg id="f1-picture" role="img" aria-label="a &#34;b&#34;">'
        '<a id="f1-p1" clip-path="url(#f1-p1)"/><use href="#f1-p1"/></svg>'
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


def test_a_picture_is_shown_again_by_reference() -> None:
    picture = Picture('a "b"', '<svg width="720pt" viewBox="0 0 720 745.704"><g/></svg>')
    assert 'id="f1-picture"' in inline_svg(picture, "f1-")
    assert same_svg(picture, "f1-") == (
        '<svg role="img" aria-label="a &#34;b&#34;" width="720pt" height="745.704pt" viewBox="0 0 720 745.704">'
        '<use href="#f1-picture" width="720" height="745.704"/></svg>'
    )


def test_shape_is_height_over_width() -> None:
    assert Picture("t", '<svg viewBox="0 0 200 50.5">').shape == 0.2525
    with pytest.raises(ValueError, match="no viewBox"):
        _ = Picture("t", "<svg>").shape
