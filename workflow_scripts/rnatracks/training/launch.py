"""Run a module in several processes, one per GPU, on one node or on several nodes of a Slurm job.

Three kinds of processes take part:

- the launcher, which calls `run_in_processes` and waits;
- one agent per node: this module run as a program. It is torchrun (with the same arguments), but ends gracefully;
- the workers: `python -m MODULE JOB`, started by the agents, with torchrun's variables (RANK, WORLD_SIZE, ...).

SIGTERM, SIGINT and SIGUSR1, which Slurm can send some time before the end of a job (`--signal=USR1@300`), request a
stop. The launcher passes them on to the agents, and the agents to the workers, always as SIGUSR1. A worker must handle
them with a `StopRequest`, check it between steps, and, once all workers agree, save a checkpoint and exit with status
`STOPPED`. Until a worker handles these signals, they are blocked in it and stay pending, so that none is lost and none
kills a process that is still starting. (Slurm starts agents on several nodes with no signal blocked, so these can still
be killed until Python runs.) Slurm may also signal the agents and workers of a job itself; a second request does no
harm.

No process outlives the launcher: an agent whose launcher is gone, for whatever reason, kills its workers; and Slurm
ends the agents that it started when the job script ends.
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
POLL_SECONDS = 0.2  # seconds between two checks of the other processes
REMIND = 5.0  # seconds until a request to stop is repeated: `srun` drops one that arrives before its tasks run
STRAGGLE = 120  # seconds that Slurm waits for the other nodes once one has ended
FIRST_PORT, PORTS = 10_000, 20_000  # below the ports that Linux assigns automatically

log = logging.getLogger("rnatracks")


def run_in_processes(module: str, job: Path, *, processes: int, nodes: int = 1, threads: int) -> None:
    """Run `python -m MODULE JOB` in `processes` x `nodes` workers, and wait for them.

    The output of the workers goes to that of this process. Must be called in the main thread, because it handles
    signals while it waits. When it returns or raises, no process that it started on this node is left.

    Parameters
    ----------
    module
        Name of the module, which is found as in this process, in the folder that contains `rnatracks`, or on
        PYTHONPATH.
    job
        File that describes the job, the only argument of the module.
    processes
        Workers per node: one per GPU, or any number of them on CPUs.
    nodes
        Number of nodes; more than one only within a Slurm job that has as many.
    threads
        CPU threads per node, shared equally by its workers.

    Raises
    ------
    InputError
        If several nodes are requested outside of a Slurm job.
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
        raise StoppedError(f"{module} was asked to stop; it saved a checkpoint, from which the next run resumes")
    if status:
        raise WorkerError(f"{module} failed; the reason is in the messages of its processes above (status {status})")


def agent_command(module: str, job: Path, *, processes: int, nodes: int, run_id: str) -> list[str]:
    """Build the command that runs the agent of one node; on several nodes the agents determine where to meet."""
    place = ["--rdzv-endpoint", f"{LOOPBACK}:0", "--local-addr", LOOPBACK] if nodes == 1 else []
    return [
        *(sys.executable, "-m", "rnatracks.training.launch"),
        *("--nnodes", str(nodes), "--nproc-per-node", str(processes)),
        *("--rdzv-backend", "c10d", "--rdzv-id", run_id, *place),
        *("--log-dir", os.devnull),  # otherwise an empty folder is left in the temporary folder
        *("--module", module, str(job)),
    ]


def step_command(nodes: int, threads: int) -> list[str]:
    """Build the beginning of a command that Slurm runs once on each node of the job.

    The step shares the resources of the job (`--overlap`), because this process may itself be in a step that uses them.
    """
    return [
        *("srun", f"--nodes={nodes}", f"--ntasks={nodes}", "--ntasks-per-node=1", f"--cpus-per-task={threads}"),
        *("--overlap", f"--wait={STRAGGLE}"),
    ]


def worker_environment(inherited: Mapping[str, str], *, processes: int, threads: int) -> dict[str, str]:
    """Add to an environment what workers need: their number of threads, and the location of `rnatracks`.

    Unless the environment sets it, C++ warnings of torch are turned off: when workers end at different times, these
    are pages of stack frames, which bury the relevant error.
    """
    paths = [str(Path(__file__).resolve().parents[2]), inherited.get("PYTHONPATH", "")]
    return {
        "TORCH_CPP_LOG_LEVEL": "ERROR",
        **inherited,
        "OMP_NUM_THREADS": str(max(1, threads // processes)),
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
    }


def step_environment(inherited: Mapping[str, str]) -> dict[str, str]:
    """Remove the Slurm variables that would act as options of `srun`, such as SLURM_NTASKS or SLURM_GPUS."""
    kept = {"SLURM_JOB_ID", "SLURM_JOBID", "SLURM_CLUSTER_NAME", "SLURM_CONF"}
    return {
        name: value for name, value in inherited.items() if name in kept or not name.startswith(("SLURM_", "SRUN_"))
    }


def step_endpoint(environment: Mapping[str, str]) -> str:
    """Where the agents of a Slurm step meet, as HOST:PORT: on its first node, at a port derived from the job id."""
    found = subprocess.run(
        ["scontrol", "show", "hostnames", environment["SLURM_STEP_NODELIST"]],
        stdout=subprocess.PIPE,
        encoding="utf-8",
        check=True,
    )
    return f"{found.stdout.split()[0]}:{FIRST_PORT + int(environment['SLURM_JOB_ID']) % PORTS}"


def agent_status(workers: Collection[int]) -> int:
    """Combine the exit statuses of the workers (for a signal, minus its number) into one: 0, STOPPED or 1.

    Once a worker has failed, torchrun ends the others by signals, so signals do not count if there is also an exit
    status. A failed worker does count, even if others took the signal for a request to stop.
    """
    if not any(workers):
        return 0
    own = {status for status in workers if status > 0}
    return STOPPED if own == {STOPPED} else 1


@contextmanager
def _blocked_signals() -> Iterator[None]:
    """Block the signals that request a stop, so that processes started here receive them only after unblocking them."""
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _wait(agent: subprocess.Popen, stop: StopRequest) -> int:
    """Wait until the agent (or `srun`) ends; pass on a request to stop; kill processes that it leaves behind."""
    family: set[psutil.Process] = set()  # all that were ever seen, because a killed agent has no children any more
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
    """Run the agent of this node, and return its status.

    Torch is imported only after the signals are blocked: the import takes seconds, and a signal would kill the agent.
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
        log.error("the nodes lost contact with each other: %s", error)
        return 1
    return 0


def _watch(launcher: int, worker: Sequence[str]) -> None:
    """Signal a requested stop to each worker once; when the launcher is gone, kill them all and exit.

    Children whose command does not end like a worker's are not signalled: they may be about to become workers.
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
    """Drop torchrun's messages about failed workers: workers log the reason, and this module which one was first."""
    return not record.msg.startswith(("failed (exitcode", "Sending process", "The node '"))


def _describe(status: int) -> str:
    return f"killed by {signal.Signals(-status).name}" if status < 0 else f"with status {status}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
