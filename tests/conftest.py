"""Fixtures for every test, and how tests that look at one long run stay together."""

import os
from pathlib import Path

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

TOGETHER = ("tests/slurm/", "tests/workflow/test_demo", "tests/workflow/test_real_data")


class ByRun(LoadScopeScheduling):
    """Under `--dist loadscope`, tests of one run of the workflow go to one process, all others wherever one waits."""

    def _split_scope(self, nodeid: str) -> str:
        return next((start for start in TOGETHER if nodeid.startswith(start)), nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByRun | None:
    return ByRun(config, log) if config.getvalue("dist") == "loadscope" else None


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder of real human data, named by the environment variable RNATRACKS_REAL_DATA."""
    folder = os.environ.get("RNATRACKS_REAL_DATA")
    if not folder:
        pytest.skip("RNATRACKS_REAL_DATA is not set: no real data to test on")
    return Path(folder)
