"""Several processes: what they are told, how they end, and that none is left, with real torchrun on CPUs."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from rnatracks.errors import InputError, WorkerError
from rnatracks.training.launch import (
    agent_command,
    agent_status,
    run_in_processes,
    step_command,
    step_endpoint,
    step_environment,
    worker_environment,
)
from rnatracks.training.stop import SIGNALS, STOPPED, StopRequest

PACKAGES = Path(__file__).resolve().parents[2] / "workflow_scripts"
PATIENCE = 120.0
LAUNCHER = """
import sys
from pathlib import Path
from rnatracks.errors import StoppedError
from rnatracks.training.launch import (run_in_processes)
from rnatracks.training.stop import STOPPED
try:
    run_in_processes("launch_worker", Path(sys.argv[1]), processes=2, threads=2)
except StoppedError as error:
    print(error)
    sys.exit(STOPPED)
"""
# They stand in for Slurm's: run the command once a node, side by side, and end with the highest status.
SRUN = """#!/bin/sh
while true; do case $1 in --*) shift;; *) break;; esac; done
export SLURM_STEP_NODELIST='node[1-2]'
"$@" & first=$!
"$@" & second=$!
wait $first; status=$?
wait $second; other=$?
exit $((status > other ? status : other))
"""
SCONTROL = """#!/bin/sh
test "$*" = 'show hostnames node[1-2]' && echo 127.0.0.1 && echo node2
"""


@pytest.fixture(autouse=True)
def worker_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
    for name in [name for name in os.environ if name.startswith("SLURM_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pretend to be in a Slurm job of two nodes, both of them this machine."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, text in {"srun": SRUN, "scontrol": SCONTROL}.items():
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(programs), prepend=os.pathsep)
    monkeypatch.setenv("SLURM_JOB_ID", "1234567")


def job(folder: Path, task: str) -> Path:
    path = folder / "job.json"
    path.write_text(json.dumps({"task": task, "folder": str(folder)}))
    return path


@contextmanager
def launched(folder: Path, task: str) -> Iterator[subprocess.Popen]:
    """Run a launcher of two workers as a process of its own."""
    paths = os.pathsep.join([str(PACKAGES), os.environ["PYTHONPATH"]])
    command = [sys.executable, "-c", LAUNCHER, str(job(folder, task))]
    with subprocess.Popen(
        command, env={**os.environ, "PYTHONPATH": paths}, stdout=subprocess.PIPE, text=True
    ) as started:
        try:
            yield started
        finally:
            started.kill()


def wait_for(condition: Callable[[], bool], started: subprocess.Popen) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert started.poll() is None, "the launcher ended before its time"
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


def ready(folder: Path) -> bool:
    return all((folder / f"ready.{rank}").exists() for rank in range(2))


def test_workers_compute_together(tmp_path: Path) -> None:
    handlers = [signal.getsignal(number) for number in SIGNALS]
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, [])
    run_in_processes("launch_worker", job(tmp_path, "sum"), processes=2, threads=6)
    records = [json.loads((tmp_path / f"sum.{rank}").read_text()) for rank in range(2)]
    assert records == [{"sum": 3.0, "world": 2, "threads": "3", "node": "0"}] * 2
    assert [signal.getsignal(number) for number in SIGNALS] == handlers
    assert signal.pthread_sigmask(signal.SIG_BLOCK, []) == mask


@pytest.mark.usefixtures("slurm")
def test_two_nodes_compute_together(tmp_path: Path) -> None:
    run_in_processes("launch_worker", job(tmp_path, "sum"), processes=1, nodes=2, threads=1)
    records = [json.loads((tmp_path / f"sum.{rank}").read_text()) for rank in range(2)]
    assert records == [{"sum": 3.0, "world": 2, "threads": "1", "node": node} for node in "01"]


def test_failure_shows_the_workers_own_words(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(WorkerError, match=r"^launch_worker failed; the reason is in .* above \(status 1\)$"):
        run_in_processes("launch_worker", job(tmp_path, "fail"), processes=2, threads=2)
    assert capfd.readouterr().err.splitlines() == [
        "ERROR samples.tsv, row 3: found x; expected a number",
        "ERROR process 1 was the first to end, with status 1",
    ]


def test_stop_reaches_working_workers(tmp_path: Path) -> None:
    """The whole family is signalled, as Slurm does: the workers by it and by the agent."""
    with launched(tmp_path, "wait") as started:
        wait_for(lambda: ready(tmp_path), started)
        for process in [*psutil.Process(started.pid).children(recursive=True), started]:
            process.send_signal(signal.SIGTERM)
        assert started.wait(PATIENCE) == STOPPED
        assert started.stdout.read() == (
            "launch_worker was asked to stop; it saved a checkpoint, from which the next run resumes\n"
        )
    assert all((tmp_path / f"stopped.{rank}").exists() for rank in range(2))


def test_stop_is_kept_for_workers_that_are_not_there_yet(tmp_path: Path) -> None:
    with launched(tmp_path, "wait") as started:
        wait_for(lambda: bool(psutil.Process(started.pid).children()), started)
        started.send_signal(signal.SIGUSR1)
        assert started.wait(PATIENCE) == STOPPED
    assert all((tmp_path / f"stopped.{rank}").exists() for rank in range(2))


def test_killed_launcher_leaves_nothing_behind(tmp_path: Path) -> None:
    with launched(tmp_path, "wait") as started:
        wait_for(lambda: ready(tmp_path), started)
        family = psutil.Process(started.pid).children(recursive=True)
        workers = {json.loads((tmp_path / f"ready.{rank}").read_text())["pid"] for rank in range(2)}
        assert workers < {process.pid for process in family}
        started.kill()
        _, alive = psutil.wait_procs(family, timeout=PATIENCE)
    assert alive == []


def test_killed_agent_leaves_nothing_behind(tmp_path: Path) -> None:
    with launched(tmp_path, "wait") as started:
        wait_for(lambda: ready(tmp_path), started)
        [agent] = psutil.Process(started.pid).children()
        workers = agent.children()
        agent.kill()
        assert started.wait(PATIENCE) == 1
        _, alive = psutil.wait_procs(workers, timeout=PATIENCE)
    assert alive == []


def test_several_nodes_need_slurm(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^resources.nodes: found 2; expected 1 outside of a Slurm job$"):
        run_in_processes("launch_worker", tmp_path / "job.json", processes=1, nodes=2, threads=1)


def test_agent_command() -> None:
    several = agent_command("a.b", Path("c/job.json"), processes=4, nodes=2, run_id="7f")
    assert several == [
        *(sys.executable, "-m", "rnatracks.training.launch"),
        *("--nnodes", "2", "--nproc-per-node", "4", "--rdzv-backend", "c10d", "--rdzv-id", "7f"),
        *("--log-dir", "/dev/null", "--module", "a.b", "c/job.json"),
    ]
    one = agent_command("a.b", Path("c/job.json"), processes=4, nodes=1, run_id="7f")
    assert one[one.index("--rdzv-endpoint") + 1] == "127.0.0.1:0"


def test_step_command() -> None:
    assert step_command(2, 16) == [
        *("srun", "--nodes=2", "--ntasks=2", "--ntasks-per-node=1", "--cpus-per-task=16", "--overlap", "--wait=120")
    ]


@pytest.mark.parametrize(("processes", "threads", "each"), [(1, 8, "8"), (3, 8, "2"), (4, 2, "1")])
def test_workers_share_the_threads(processes: int, threads: int, each: str) -> None:
    found = worker_environment({"OMP_NUM_THREADS": "64"}, processes=processes, threads=threads)
    assert found["OMP_NUM_THREADS"] == each


def test_users_choice_of_messages_stays() -> None:
    found = worker_environment({"TORCH_CPP_LOG_LEVEL": "INFO"}, processes=1, threads=1)
    assert found["TORCH_CPP_LOG_LEVEL"] == "INFO"


def test_own_package_is_found_before_others() -> None:
    found = worker_environment({"PYTHONPATH": "/a:/b"}, processes=1, threads=1)["PYTHONPATH"]
    assert found == f"{PACKAGES}:/a:/b"


def test_step_takes_no_options_from_the_job() -> None:
    inherited = {"PATH": "/bin", "SLURM_JOB_ID": "5", "SLURM_CONF": "/c", "SLURM_NTASKS": "1", "SRUN_DEBUG": "3"}
    assert step_environment(inherited) == {"PATH": "/bin", "SLURM_JOB_ID": "5", "SLURM_CONF": "/c"}


@pytest.mark.usefixtures("slurm")
def test_nodes_meet_at_the_first() -> None:
    at = [step_endpoint({"SLURM_JOB_ID": str(number), "SLURM_STEP_NODELIST": "node[1-2]"}) for number in (0, 1, 39999)]
    assert at == ["127.0.0.1:10000", "127.0.0.1:10001", "127.0.0.1:29999"]


@pytest.mark.parametrize(
    ("workers", "status"),
    [
        ([], 0),
        ([0, 0], 0),
        ([STOPPED, STOPPED], STOPPED),
        ([STOPPED, -signal.SIGTERM], STOPPED),
        ([1, STOPPED], 1),
        ([1, -signal.SIGTERM], 1),
        ([-signal.SIGKILL, -signal.SIGTERM], 1),
    ],
)
def test_agent_status(workers: list[int], status: int) -> None:
    assert agent_status(workers) == status


@pytest.mark.parametrize("number", SIGNALS)
def test_stop_request_notes_signals(number: signal.Signals) -> None:
    handler, mask = signal.getsignal(number), signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        signal.raise_signal(number)
        stop = StopRequest()
        with stop.handling_signals():
            assert stop.signal == number
        assert signal.getsignal(number) == handler
        signal.raise_signal(number)
        assert signal.sigpending() == {number}, "asked again, it waits and ends nothing"
        assert signal.sigwait({number}) == number
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
