"""A real browser without a window: what a page becomes in it."""

import shutil
import subprocess
from collections import Counter
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path

import pytest


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


def open_page(page: Path, profile: Path) -> Opened:
    """Open a local page in headless Chromium, with the network cut off."""
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("needs the program chromium to open the page")
    done = subprocess.run(
        [
            *(chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"),
            *("--disable-component-update", "--no-first-run", f"--user-data-dir={profile}"),
            *("--host-resolver-rules=MAP * ~NOTFOUND", "--enable-logging=stderr", "--dump-dom", page.as_uri()),
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return Opened(done.stdout, done.stderr)
