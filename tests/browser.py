"""A real browser without a window and without a network: what a page becomes in it."""

import atexit
import functools
import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path

import pytest

HEIGHT = 900


class Elements(HTMLParser):
    """All start tags of a page, with their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


@dataclass(frozen=True)
class Opened:
    """A page after its scripts have run, and what the browser logged."""

    html: str
    log: str

    @property
    def tags(self) -> Counter[str]:
        return Counter(tag for tag, _ in Elements(self.html).tags)


@dataclass(frozen=True)
class Visit:
    """An open page of playwright, the lines `CONSOLE ...` that it logged so far, and all addresses it asked for.

    A dialog, such as that of `alert`, is closed and logged as an error.
    """

    page: "playwright.sync_api.Page"  # noqa: F821
    log: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def open(self, page: Path) -> None:
        """Open another local page in this one's place, and forget what was logged."""
        self.log.clear()
        self.requests.clear()
        self.page.goto(page.as_uri())

    def close(self, dialog: "playwright.sync_api.Dialog") -> None:  # noqa: F821
        """Close a dialog, and log it."""
        self.log.append(f"CONSOLE error: a dialog, {dialog.message}")
        dialog.dismiss()

    @property
    def outside(self) -> list[str]:
        """Addresses asked for that are not local."""
        return [address for address in self.requests if not address.startswith(("file:", "data:", "blob:", "about:"))]


@functools.cache
def chromium() -> "playwright.sync_api.Browser":  # noqa: F821
    """Headless Chromium, started once in a process, which cannot reach a network."""
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("needs the program chromium to open the page")
    playwright = pytest.importorskip("playwright.sync_api")
    driver = playwright.sync_playwright().start()
    browser = driver.chromium.launch(
        executable_path=program, args=["--no-sandbox", "--disable-gpu", "--host-resolver-rules=MAP * ~NOTFOUND"]
    )
    atexit.register(driver.stop)
    atexit.register(browser.close)
    return browser


@contextmanager
def visit(page: Path, width: int = 1300, script: bool = True) -> Iterator[Visit]:
    """Open a local page in a window of its own, without anything that other visits left, or without its scripts."""
    size = {"width": width, "height": HEIGHT}
    context = chromium().new_context(offline=True, viewport=size, java_script_enabled=script, reduced_motion="reduce")
    visited = Visit(context.new_page())
    visited.page.on("request", lambda request: visited.requests.append(request.url))
    visited.page.on("console", lambda message: visited.log.append(f"CONSOLE {message.type}: {message.text}"))
    visited.page.on("pageerror", lambda error: visited.log.append(f"CONSOLE error: {error}"))
    visited.page.on("dialog", lambda dialog: visited.close(dialog))
    visited.open(page)
    try:
        yield visited
    finally:
        context.close()


def open_page(page: Path) -> Opened:
    """Open a local page as `visit` does, and give what it has become."""
    with visit(page) as visited:
        return Opened(visited.page.content(), "\n".join(visited.log))
