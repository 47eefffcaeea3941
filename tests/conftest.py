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


class SharedRuns(LoadScopeScheduling):
    """Tests that look at the same run of the workflow, or at the one cluster, go to one process."""

    def _split_scope(self, nodeid: str) -> str:
        path = nodeid.split("::")[0]
        return next((shared for shared in ("slurm/", "workflow/test_demo") if shared in path), path)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> SharedRuns | None:
    """Used with `--dist loadscope`."""
    return SharedRuns(config, log) if config.getoption("dist") == "loadscope" else None
