"""Where the parts of an open page lie, as the browser draws them."""

from dataclasses import dataclass

from browser import Visit

WIDTH = 1280  # with the height of `browser.HEIGHT`, the screen for which the first view is made

# Lines of text outside of pictures that are in sight, each cut to what its scrolling parents show.
_TEXTS = """() => {
    const found = [];
    let number = 0;
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
        const node = walker.currentNode, parent = node.parentElement;
        if (!node.data.trim() || parent.closest("svg, script, style") || !parent.checkVisibility()) continue;
        const range = document.createRange(), name = `${++number} ${node.data.trim().slice(0, 40)}`;
        range.selectNodeContents(node);
        for (const rect of range.getClientRects()) {
            let [left, top, right, bottom] = [rect.left, rect.top, rect.right, rect.bottom];
            for (let each = parent; each !== document.body; each = each.parentElement) {
                if (getComputedStyle(each).overflowX === "visible") continue;
                const box = each.getBoundingClientRect();
                [left, right] = [Math.max(left, box.left), Math.min(right, box.right)];
                [top, bottom] = [Math.max(top, box.top), Math.min(bottom, box.bottom)];
            }
            if (right > left && bottom > top)
                found.push([name, left, top + scrollY, right, bottom + scrollY]);
        }
    }
    return found;
}"""


@dataclass(frozen=True)
class Box:
    """A rectangle on the page, in pixels from its top left corner."""

    name: str
    left: float
    top: float
    right: float
    bottom: float

    def overlaps(self, other: "Box", slack: float = 0) -> bool:
        """Whether the two share more than `slack` pixels in both directions."""
        across = min(self.right, other.right) - max(self.left, other.left)
        down = min(self.bottom, other.bottom) - max(self.top, other.top)
        return across > slack and down > slack


def box(visited: Visit, selector: str) -> Box:
    """Box of the first element that a selector finds."""
    found = visited.page.locator(selector).first.bounding_box()
    assert found is not None, f"{selector} is not drawn"
    return Box(selector, found["x"], found["y"], found["x"] + found["width"], found["y"] + found["height"])


def overlaps(boxes: list[Box], slack: float = 0) -> list[tuple[Box, Box]]:
    """Pairs of boxes that share a place."""
    boxes = sorted(boxes, key=lambda each: each.top)
    found = []
    for index, one in enumerate(boxes):
        for other in boxes[index + 1 :]:
            if other.top > one.bottom:
                break
            if one.overlaps(other, slack):
                found.append((one, other))
    return found


def overlapping_texts(visited: Visit) -> list[tuple[Box, Box]]:
    """Pairs of lines of text that are written over each other; lines of one paragraph may touch."""
    pairs = overlaps([Box(*each) for each in visited.page.evaluate(_TEXTS)], slack=3)
    return [(one, other) for one, other in pairs if one.name != other.name]  # a text that is cut has two boxes


def open_folds(visited: Visit) -> None:
    """Open every fold of the page."""
    visited.page.evaluate("() => { for (const fold of document.querySelectorAll('details')) fold.open = true; }")


def height(visited: Visit) -> int:
    """Height of the whole page."""
    return visited.page.evaluate("document.documentElement.scrollHeight")


def undescribed_images(visited: Visit) -> list[str]:
    """Images without a text in their place."""
    return visited.page.evaluate(
        """() => [
            ...[...document.querySelectorAll("svg[role=img]")].filter(each => !each.getAttribute("aria-label")),
            ...document.querySelectorAll("img:not([alt]), img[alt=''], svg:not([role=img]):not(svg svg)"),
        ].map(each => each.outerHTML.slice(0, 80))"""
    )
