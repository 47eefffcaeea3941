"""The demo, run once for all the tests that look at it."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from workflow.runs import Run, close_network, demo_folder, snakemake

DEMO = ("--configfile", "config/demo/config.yaml")


@dataclass(frozen=True)
class Demo:
    """A finished demo: its working directory, its results, and what the run said."""

    folder: Path
    results: Path
    run: Run


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """What `make demo` does, in a folder of its own and without any network."""
    folder = demo_folder(tmp_path_factory.mktemp("demo"))
    closed = close_network(tmp_path_factory.mktemp("network") / "closed")
    run = snakemake(folder, "all", *DEMO, environment=closed)
    assert run.status == 0, run.text[-5000:]
    return Demo(folder, folder / "results/demo", run)


@pytest.fixture
def demo_copy(demo: Demo, tmp_path: Path) -> Iterator[Path]:
    """A working directory with the finished demo in it, to change."""
    folder = tmp_path / "copy"
    shutil.copytree(demo.folder, folder, copy_function=shutil.copy2)
    yield folder
    shutil.rmtree(folder)
