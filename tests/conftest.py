"""Fixtures for every test."""

import os
from pathlib import Path

import pytest
from xdist.scheduler import LoadScopeScheduling

# Threads that wait for each other leave their core to others, in this process and all below it.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder of real human data, named by the environment variable RNATRACKS_REAL_DATA."""
    folder = os.environ.get("RNATRACKS_REAL_DATA")
    if not folder:
        pytest.skip("RNATRACKS_REAL_DATA is not set: no real data to test on")
    return Path(folder)


# What runs longest begins first, so that no process is left alone with it at the end. Most of the time of the first
# ones is waiting for Slurm.
LONGEST = (
    "tests/slurm/test_mishaps",
    "tests/slurm/",
    "tests/workflow/test_demo",
    "tests/workflow/test_real_data",
    "tests/training/test_train",
    "tests/workflow/",
    "tests/report/test_first_screen",
    "tests/evaluation/test_real_bases",
    "tests/training/",
    "tests/prediction/",
    "tests/model/",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort by the first match in LONGEST; the rest keeps its order."""
    places = [*LONGEST, ""]
    items.sort(key=lambda item: next(place for place, start in enumerate(places) if item.nodeid.startswith(start)))


class SharedRuns(LoadScopeScheduling):
    """Tests of one file go to one process, as do those that look at the demo, and those of the one cluster."""

    def _split_scope(self, nodeid: str) -> str:
        path = nodeid.split("::")[0]
        return next((shared for shared in ("slurm/", "workflow/test_demo") if shared in path), path)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> SharedRuns | None:
    """Used with `--dist loadscope`."""
    if config.getoption("dist") != "loadscope":
        return None
    config.option.loadscopereorder = False  # by number of tests, against the order above
    return SharedRuns(config, log)
