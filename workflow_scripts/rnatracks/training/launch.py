"""Run a module in several processes, one a GPU, on one node or on several nodes of a Slurm job.

Three kinds of processes take part:

- the launcher, which calls `run_in_processes` and waits;
- one agent a node: this module run as a program. It is torchrun (same arguments), but it ends gently;
- the workers: `python -m MODULE JOB`, started by the agents, with torchrun's variables (RANK, WORLD_SIZE, ...).

SIGTERM, SIGINT and SIGUSR1, which Slurm can send some time before the end of a job (`--signal=USR1@300`), ask for a
stop. The launcher passes them to the agents and these to the workers, always as SIGUSR1. A worker must listen with a
`StopRequest`, look at it between steps, and, once all workers agree, save a checkpoint and end with status `STOPPED`.
Until it listens these signals are blocked in it and wait, so none is lost and none kills a process that is still
starting (but Slurm starts agents on several nodes with no signal blocked, which leaves the moment until Python runs).
Slurm may signal the agents and workers of a job by itself, too; being asked twice does no harm.

No process outlives the launcher: an agent whose launcher is gone, however it ended, kills its workers; and Slurm ends
the agents that it started when the job's script ends.
"""

import logging
import math
import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from ..errors import InputError, StoppedError, WorkerError
from .stop import SIGNALS, STOPPED, StopRequest

LOOPBACK = "127.0.0.1"
POLL_SECONDS = 0.2  # seconds from one look at the other processes to the next
REMIND = 5.0  # seconds until a request to stop is repeated: `srun` drops one that comes before its tasks run
STRAGGLE = 120  # seconds that Slurm waits for the other nodes once one has ended
FIRST_PORT, PORTS = 10_000, 20_000  # below the ports that Linux gives to whoever asks for any

log = logging.getLogger("rnatracks")


def run_in_processes(module: str, job: Path, *, processes: int, nodes: int = 1, threads: int) -> None:
    """Run `python -m MODULE JOB` in `processes` x `nodes` workers, and wait for them.

    The workers write where this process writes. Must be called in the main thread, since it takes over signals
    while it waits. When it returns or raises, no process that it started on this node is left.

    Parameters
    ----------
    module
        Name of the module; it is found as here, in the folder that holds `rnatracks`, or on PYTHONPATH.
    job
        File that says what to do, the module's only argument.
    processes
        Workers on each node: one a GPU, or any number of them on CPUs.
    nodes
        Nodes; more than one only within a Slurm job that has as many.
    threads
        CPU threads on each node, shared equally by its workers.

    Raises
    ------
    InputError
        If several nodes are asked for outside of Slurm.
    StoppedError
        If the workers saved a checkpoint and ended because of a signal.
    WorkerError
        If one of them failed.
    """
    command = agent_command(module, job, processes=processes, nodes=nodes, run_id=uuid.uuid4().hex)
    environment = worker_environment(os.environ, processes=processes, threads=threads)
    if nodes > 1:
        if "SLURM_JOB_ID" not in os.environ:
            raise InputError("resources.nodes", nodes, "1 outside of a Slurm job")
        command = [*step_command(nodes, threads), *command]
        environment = step_environment(environment)
    stop = StopRequest()
    with stop.handling_signals():
        with _blocked_signals():
            agent = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, start_new_session=True)
        status = _wait(agent, stop)
    if status == STOPPED:
        raise StoppedError(f"{module} was asked to stop; it saved a checkpoint, from which the next run goes on")
    if status:
        raise WorkerError(f"{module} failed; its processes say above why (status {status})")


def agent_command(module: str, job: Path, *, processes: int, nodes: int, run_id: str) -> list[str]:
    """Build the command that runs one node's agent; on several nodes the agents find out where to meet."""
    place = ["--rdzv-endpoint", f"{LOOPBACK}:0", "--local-addr", LOOPBACK] if nodes == 1 else []
    return [
        *(sys.executable, "-m", "rnatracks.training.launch"),
        *("--nnodes", str(nodes), "--nproc-per-node", str(processes)),
        *("--rdzv-backend", "c10d", "--rdzv-id", run_id, *place),
        *("--log-dir", os.devnull),  # else an empty folder stays in the temporary folder
        *("--module", module, str(job)),
    ]


def step_command(nodes: int, threads: int) -> list[str]:
    """Build the start of a command that Slurm runs once on each of the job's nodes.

    The step shares what the job has (`--overlap`), since this process may itself be in a step that holds it.
    """
    return [
        *("srun", f"--nodes={nodes}", f"--ntasks={nodes}", "--ntasks-per-node=1", f"--cpus-per-task={threads}"),
        *("--overlap", f"--wait={STRAGGLE}"),
    ]


def worker_environment(inherited: Mapping[str, str], *, processes: int, threads: int) -> dict[str, str]:
    """Add to an environment what workers need: their number of threads, and where `rnatracks` is.

    Unless it says otherwise, torch's warnings from C++ are left out: when workers end at different moments they are
    pages of stack frames, which bury the error that counts.
    """
    paths = [str(Path(__file__).resolve().parents[2]), inherited.get("PYTHONPATH", "")]
    return {
        "TORCH_CPP_LOG_LEVEL": "ERROR",
        **inherited,
        "OMP_NUM_THREADS": str(max(1, threads // processes)),
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
    }


def step_environment(inherited: Mapping[str, str]) -> dict[str, str]:
    """Leave out the variables of Slurm that would act as options of `srun`, such as SLURM_NTASKS or SLURM_GPUS."""
    kept = {"SLURM_JOB_ID", "SLURM_JOBID", "SLURM_CLUSTER_NAME", "SLURM_CONF"}
    return {
        name: value for name, value in inherited.items() if name in kept or not name.startswith(("SLURM_", "SRUN_"))
    }


def step_endpoint(environment: Mapping[str, str]) -> str:
    """Say where the agents of a Slurm step meet, as HOST:PORT: on its first node, at a port drawn from the job's id."""
    found = subprocess.run(
        ["scontrol", "show", "hostnames", environment["SLURM_STEP_NODELIST"]],
        stdout=subprocess.PIPE,
        encoding="utf-8",
        check=True,
    )
    return f"{found.stdout.split()[0]}:{FIRST_PORT + int(environment['SLURM_JOB_ID']) % PORTS}"


def agent_status(workers: Collection[int]) -> int:
    """Sum up the workers' statuses (0 or more; a signal's number below 0) in one: 0, STOPPED or 1.

    Once a worker has ended badly, torchrun ends the others by signals, so these do not count beside a status; but a
    worker that failed does, even if others took the signal for a request to stop.
    """
    if not any(workers):
        return 0
    own = {status for status in workers if status > 0}
    return STOPPED if own == {STOPPED} else 1


@contextmanager
def _blocked_signals() -> Iterator[None]:
    """Start processes in which the signals that ask for a stop are blocked until they look for them."""
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _wait(agent: subprocess.Popen, stop: StopRequest) -> int:
    """Wait until the agent (or `srun`) ends; pass a request to stop on to it; end what it leaves behind."""
    family: set[psutil.Process] = set()  # all that were seen: an agent that was just killed has no children any more
    told = -math.inf
    while agent.poll() is None:
        with suppress(psutil.NoSuchProcess):
            family.update(psutil.Process(agent.pid).children(recursive=True))
        if stop.signal and time.monotonic() - told > REMIND:
            agent.send_signal(signal.SIGUSR1)
            told = time.monotonic()
        with suppress(subprocess.TimeoutExpired):
            agent.wait(POLL_SECONDS)
    _kill(family)
    return agent.returncode


def _kill(processes: Iterable[psutil.Process]) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.kill()


def main(arguments: Sequence[str]) -> int:
    """Run this node's agent, and return its status.

    Imports torch only after the signals are blocked: that takes seconds, and a signal then would kill the agent.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    threading.Thread(target=_watch, args=(os.getppid(), [*arguments[-2:]]), daemon=True).start()
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.elastic.rendezvous import RendezvousError
    from torch.distributed.run import parse_args, run

    logging.basicConfig(format="%(levelname)s %(message)s")
    for name in ("multiprocessing.api", "rendezvous.dynamic_rendezvous"):
        logging.getLogger(f"torch.distributed.elastic.{name}").addFilter(_is_news)
    if "--rdzv-endpoint" not in arguments:
        arguments = ["--rdzv-endpoint", step_endpoint(os.environ), *arguments]
    try:
        run(parse_args(arguments))
    except ChildFailedError as error:
        rank, first = error.get_first_failure()
        if first.exitcode != STOPPED:
            log.error("process %d was the first to end, %s", rank, _describe(first.exitcode))
        return agent_status([failure.exitcode for failure in error.failures.values()])
    except RendezvousError as error:
        log.error("the nodes lost each other: %s", error)
        return 1
    return 0


def _watch(launcher: int, worker: Sequence[str]) -> None:
    """Tell each worker once that a stop was asked for; when the launcher has gone, kill them all and end.

    Children whose command does not end like a worker's are not told: they may be about to become workers.
    """
    told: set[psutil.Process] = set()
    asked = False
    agent = psutil.Process()
    while os.getppid() == launcher:
        asked = signal.sigtimedwait(SIGNALS, POLL_SECONDS) is not None or asked
        for child in agent.children() if asked else ():
            with suppress(psutil.NoSuchProcess):
                if child not in told and child.cmdline()[-len(worker) :] == worker:
                    child.send_signal(signal.SIGUSR1)
                    told.add(child)
    _kill(agent.children(recursive=True))
    os._exit(1)


def _is_news(record: logging.LogRecord) -> bool:
    """Drop what torchrun says whenever a worker ends badly: the worker has said why, and this module who was first."""
    return not record.msg.startswith(("failed (exitcode", "Sending process", "The node '"))


def _describe(status: int) -> str:
    return f"killed by {signal.Signals(-status).name}" if status < 0 else f"with status {status}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
