"""Fixtures for every test."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder of real human data, named by the environment variable RNATRACKS_REAL_DATA."""
    folder = os.environ.get("RNATRACKS_REAL_DATA")
    if not folder:
        pytest.skip("RNATRACKS_REAL_DATA is not set: no real data to test on")
    return Path(folder)
