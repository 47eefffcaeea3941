"""What the repository's profile does when things go wrong on a cluster, on small jobs of their own."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from slurm.cluster import Cluster
from slurm.runs import CLUSTER, Background, profile_folder, started

HERE = Path(__file__).parent
LIMIT = 1200  # seconds for anything, on a machine that does other work, too
HALF = "rule_slow_wildcards_2"


@dataclass(frozen=True)
class Day:
    """A finished run of mishaps.smk."""

    folder: Path
    status: int
    text: str
    waited: bool  # whether jobs were kept pending by the drained node

    def read(self, name: str) -> str:
        return (self.folder / name).read_text().strip()


@pytest.fixture(scope="module")
def begun(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Background, bool]]:
    """All mishaps at once, since most of them are waiting; and whether jobs waited for the drained node."""
    folder = profile_folder(tmp_path_factory.mktemp("day"))
    cluster.ask("scontrol", "update", f"nodename={cluster.node}", "state=drain", "reason=test")
    with started(folder, cluster.environment, HERE / "mishaps.smk", *CLUSTER, "--retries", "1", "all") as run:
        run.wait_until(lambda: cluster.find("rule_cancelled", "PENDING"), LIMIT, "nothing is submitted")
        waited = not cluster.find("rule_cancelled") and cluster.node_state() == "drain"
        cluster.ask("scontrol", "update", f"nodename={cluster.node}", "state=resume")
        run.wait_until(lambda: cluster.find("rule_cancelled"), LIMIT, "the node does not come back")
        cluster.ask("scancel", *cluster.find("rule_cancelled"))
        yield run, waited


@pytest.fixture(scope="module")
def day(begun: tuple[Background, bool]) -> Day:
    run, waited = begun
    return Day(run.output.parent, run.finish(LIMIT), run.text, waited)


@pytest.mark.usefixtures("begun")  # goes on meanwhile
def test_a_killed_run_is_unlocked_and_repeats_only_what_was_unfinished(cluster: Cluster, tmp_path: Path) -> None:
    profile_folder(tmp_path)
    environment, snakefile = cluster.environment, HERE / "killed.smk"
    with started(tmp_path, environment, snakefile, *CLUSTER, "all") as run:
        runs = tmp_path / "runs.txt"
        run.wait_until(lambda: "2 of 4 steps" in run.text and "slow 2" in runs.read_text(), LIMIT, "no half a run")
        run.process.kill()
        run.finish(10)
    cluster.ask("scancel", *cluster.find(HALF))  # or it goes on by itself
    (tmp_path / "again.txt").touch()
    with started(tmp_path, environment, snakefile, *CLUSTER, "all") as run:
        assert run.finish(LIMIT) == 1
        assert "--unlock" in run.text
    with started(tmp_path, environment, snakefile, *CLUSTER, "--unlock") as run:
        assert run.finish(LIMIT) == 0
    with started(tmp_path, environment, snakefile, *CLUSTER, "all") as run:
        assert run.finish(LIMIT) == 0, run.text
    assert sorted((tmp_path / "runs.txt").read_text().splitlines()) == ["quick", "slow 1", "slow 2", "slow 2"]
    assert [(tmp_path / f"slow/{number}.txt").read_text() for number in (1, 2)] == ["whole\n"] * 2


def test_jobs_wait_for_a_drained_node(day: Day) -> None:
    assert day.waited


def test_gpu_jobs_have_a_gpu_each(day: Day) -> None:
    """Two at once, side by side: none sees the other's."""
    jobs = [day.read(f"gpu/{number}.txt").split() for number in (1, 2)]
    assert {gpu for gpu, _, _ in jobs} == {"0", "1"}
    assert max(float(start) for _, start, _ in jobs) < min(float(end) for _, _, end in jobs)


def test_a_cancelled_job_is_repeated(day: Day) -> None:
    assert day.read("cancelled.txt") == "2"


def test_a_job_beyond_its_memory_is_repeated_with_more(day: Day) -> None:
    assert day.read("memory.txt") == "2"


def test_a_job_beyond_its_time_is_repeated_with_more(day: Day) -> None:
    assert day.read("time.txt") == "2"


def test_training_is_warned_a_quarter_of_an_hour_before_its_time_is_up(day: Day) -> None:
    """Slurm looks every half minute and warns up to a minute early: here it has 16 minutes."""
    assert 0 < float(day.read("model.txt")) < 100


def test_a_rule_that_fails_for_good_stops_only_what_needs_it(day: Day) -> None:
    assert day.status == 1
    assert "the disk is on fire" in day.text
    assert len(re.findall(r"^Job \d+ has been submitted .*rule_broken", day.text, re.MULTILINE)) == 2
    assert (day.folder / "after_gpu.txt").exists()
    assert not (day.folder / "after_broken.txt").exists()
