"""A real Slurm of one node with two GPU slots, on this machine, for as long as the tests run."""

import fcntl
import os
import shutil
import socket
import stat
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import psutil

CONFIG = Path("/etc/slurm/slurm.conf")  # the only place: Snakemake takes SLURM_CONF out of its jobs' environment
MARK = "# Written by the tests of rnatracks; they remove it when they end."
TAG = "RNATRACKS_SLURM"  # in the environment of all that belongs to the cluster, jobs included
PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "squeue", "sinfo", "scontrol", "scancel", "sacct")
# Where there is this program, the kernel ends a command so started when this process is gone.
DIE_TOGETHER = ("setpriv", "--pdeathsig", "KILL") if shutil.which("setpriv") else ()
FOLDERS, PREFIX = Path(tempfile.gettempdir()), "rnatracks-slurm-"
START, STOP = 60.0, 20.0  # seconds that the daemons get


class NoClusterError(Exception):
    """This machine cannot run the cluster; the message says why."""


# Memory is watched by a job's processes (there may be no control groups); times are checked every second or so.
SLURM_CONF = """{mark}
ClusterName=rnatracks
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CredType=cred/munge
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
ReturnToService=2
SlurmdParameters=config_overrides
MinJobAge=3600
KillWait=5
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
AccountingStorageType=accounting_storage/none
GresTypes=gpu
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
NodeName={host} NodeAddr=127.0.0.1 CPUs=16 RealMemory=256000 Gres=gpu:a100:2 State=UNKNOWN
PartitionName=cpu Nodes={host} Default=YES MaxTime=INFINITE State=UP
PartitionName=gpu Nodes={host} MaxTime=INFINITE State=UP
"""

GRES_CONF = """{mark}
AutoDetect=off
Name=gpu Type=a100 File={folder}/nvidia0
Name=gpu Type=a100 File={folder}/nvidia1
"""


class Cluster:
    """The commands of a running cluster that tests need."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.node = folder, socket.gethostname().split(".")[0]
        self.environment = os.environ | {TAG: str(folder)}

    def ask(self, *command: str) -> str:
        """Run a command of Slurm and return what it prints."""
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        return subprocess.run(command, env=self.environment, **pipes, text=True, timeout=30, check=True).stdout.strip()

    def node_state(self) -> str:
        return self.ask("sinfo", "-h", "-p", "cpu", "-o", "%t")

    def active(self) -> list[str]:
        """Ids of the jobs that have not ended."""
        return self.ask("squeue", "-h", "-o", "%i").split()

    def find(self, comment: str, state: str = "RUNNING") -> list[str]:
        """Ids of the jobs in a state with a comment, in which the executor writes the rule and its wildcards."""
        lines = self.ask("squeue", "-h", "-t", state, "-o", "%i %k").splitlines()
        return [line.split()[0] for line in lines if line.split()[1:] == [comment]]

    def states(self) -> dict[str, str]:
        """State of every job of this cluster that has ended or not, by its id."""
        return dict(line.split() for line in self.ask("squeue", "-h", "-t", "all", "-o", "%i %T").splitlines())

    def clear(self) -> None:
        """Cancel all jobs, and take the node back into service."""
        if active := self.active():
            self.ask("scancel", "--full", "--signal=KILL", *active)
            self.ask("scancel", *active)
            wait_for(lambda: not self.active(), STOP, "its jobs still run")
        if self.node_state() not in ("idle", "mix", "alloc"):
            self.ask("scontrol", "update", f"nodename={self.node}", "state=resume")


def wait_for(condition: Callable[[], object], seconds: float, otherwise: str) -> None:
    """Return once a condition holds.

    Raises
    ------
    TimeoutError
        If it does not hold in time; the message is `otherwise`.
    """
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(otherwise)
        time.sleep(0.2)


@contextmanager
def running_cluster() -> Iterator[Cluster]:
    """Start the cluster, and end each of its processes again, also when the tests fail.

    Raises
    ------
    NoClusterError
        If this machine cannot run one.
    """
    _require_programs()
    with ExitStack() as stack:
        stack.enter_context(_only_one())
        _end_leftovers()
        stack.callback(_end_leftovers)
        folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=FOLDERS))
        folder.chmod(0o755)  # munged wants its socket within everybody's reach
        stack.enter_context(_own_config(folder))
        cluster = Cluster(folder)
        try:
            munge = [f"--{name}={folder}/munge.{end}" for name, end in MUNGE.items()]
            stack.enter_context(_daemon(folder, ["munged", "--foreground", *munge]))
            wait_for((folder / "munge.socket").exists, START, "munged makes no socket")
            stack.enter_context(_daemon(folder, ["slurmctld", "-D", "-c"]))
            stack.enter_context(_daemon(folder, ["slurmd", "-D"]))
            wait_for(lambda: _answers(cluster), START, "its node is not idle")
        except TimeoutError as error:
            said = "\n".join(path.read_text(errors="replace")[-2000:] for path in folder.glob("*.log"))
            raise NoClusterError(f"Slurm did not start: {error}\n{said}") from error
        stack.callback(_clear, cluster)
        yield cluster


MUNGE = {"socket": "socket", "key-file": "key", "pid-file": "pid", "log-file": "log", "seed-file": "seed"}


def _require_programs() -> None:
    """Install what is missing, where that can be done."""
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    if os.geteuid():
        raise NoClusterError("the tests do not run as root")
    if not missing:
        return
    if shutil.which("apt-get") is None:
        raise NoClusterError(f"{', '.join(missing)} not found, and no apt-get to install slurm-wlm and munge with")
    quiet = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update"], ["install", "-y", "--no-install-recommends", "slurm-wlm", "munge"]):
        run = subprocess.run(
            ["apt-get", "-qq", *command],
            env=quiet,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
    if missing := [name for name in PROGRAMS if shutil.which(name) is None]:
        raise NoClusterError(f"apt-get did not install {', '.join(missing)}: {run.stdout[-500:]}")


@contextmanager
def _only_one() -> Iterator[None]:
    CONFIG.parent.mkdir(exist_ok=True)
    with (CONFIG.parent / ".rnatracks-tests.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise NoClusterError("another session of these tests runs its cluster") from None
        yield


@contextmanager
def _own_config(folder: Path) -> Iterator[None]:
    """Write Slurm's configuration, but never over that of a cluster that is not of these tests."""
    ours = {CONFIG: SLURM_CONF, CONFIG.with_name("gres.conf"): GRES_CONF}
    for path in ours:
        if path.exists() and not path.read_text().startswith(MARK):
            raise NoClusterError(f"{path} belongs to a cluster of this machine")
    (folder / "munge.key").write_bytes(os.urandom(256))
    (folder / "munge.key").chmod(0o600)
    for name in ("state", "spool"):
        (folder / name).mkdir()
    try:
        for number in range(2):  # no GPU answers there, but Slurm reads its number from the device
            os.mknod(folder / f"nvidia{number}", stat.S_IFCHR | 0o600, os.makedev(195, number))
    except OSError as error:
        raise NoClusterError(f"no device files can be made for the GPU slots: {error}") from error
    host = socket.gethostname().split(".")[0]
    try:
        for path, text in ours.items():
            path.write_text(text.format(mark=MARK, folder=folder, host=host, ports=_free_ports()))
        yield
    finally:
        for path in ours:
            path.unlink(missing_ok=True)


def _free_ports() -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(2)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


@contextmanager
def _daemon(folder: Path, command: list[str]) -> Iterator[None]:
    """Run a daemon in the foreground."""
    with (folder / f"{command[0]}.out.log").open("w") as out:
        process = subprocess.Popen(
            [*DIE_TOGETHER, *command],
            env=os.environ | {TAG: str(folder)},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C is for the tests
        )
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(STOP)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _answers(cluster: Cluster) -> bool:
    try:
        return cluster.node_state() == "idle"
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
        return False


def _clear(cluster: Cluster) -> None:
    with suppress(subprocess.SubprocessError, TimeoutError):  # what is left is killed below
        cluster.clear()


def _end_leftovers() -> None:
    """Kill what the daemons left, steps of jobs and what they run, which are no children of theirs; remove its files.

    Only one session of these tests has the lock, so all that is found is its own or that of one that was killed.
    """
    logs = {str(folder / "slurmd.log") for folder in FOLDERS.glob(f"{PREFIX}*")}
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if TAG in process.environ() or logs & {file.path for file in process.open_files()}:
                process.kill()
    for folder in FOLDERS.glob(f"{PREFIX}*"):
        shutil.rmtree(folder, ignore_errors=True)
