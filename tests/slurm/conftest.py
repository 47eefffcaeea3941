"""The cluster, started once for all tests here and ended after them, and the stand-in for conda."""

import os
import signal
from collections.abc import Iterator

import pytest
from environments import ENVIRONMENTS

from slurm.cluster import Cluster, NoClusterError, running_cluster
from slurm.conda import make_conda


@pytest.fixture(scope="package")
def whole_cluster() -> Iterator[Cluster]:
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)  # then, too, what was started is ended
    try:
        context = running_cluster()
        cluster = context.__enter__()
    except NoClusterError as error:
        pytest.skip(f"no Slurm can run here: {error}")
    try:
        yield cluster
    finally:
        context.__exit__(None, None, None)
        signal.signal(signal.SIGTERM, before)


@pytest.fixture(scope="module")
def cluster(whole_cluster: Cluster) -> Iterator[Cluster]:
    """The running cluster; a module leaves no job and no drained node behind."""
    yield whole_cluster
    whole_cluster.clear()


@pytest.fixture(scope="session")
def path_with_conda(tmp_path_factory: pytest.TempPathFactory) -> str:
    """PATH on which `conda` is the stand-in of conda.py."""
    return f"{make_conda(tmp_path_factory.mktemp('conda'), ENVIRONMENTS)}:{os.environ['PATH']}"
