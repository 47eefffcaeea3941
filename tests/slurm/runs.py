"""Running Snakemake on the cluster of the tests, with the profile of the repository."""

import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml

from slurm.cluster import DIE_TOGETHER, wait_for

REPOSITORY = Path(__file__).parents[2]
SNAKEFILE = REPOSITORY / "Snakefile"
IMPATIENT = str(Path(__file__).with_name("impatient.py"))
# This cluster keeps no accounts.
CLUSTER = ("--profile", "slurm", "--slurm-status-command", "squeue", "--latency-wait", "10")


@dataclass(frozen=True)
class Background:
    """A Snakemake that runs: its process, and the file of both of its streams."""

    process: subprocess.Popen
    output: Path

    @property
    def text(self) -> str:
        return self.output.read_text(errors="replace")

    def finish(self, seconds: float) -> int:
        """Wait for its end, and return its exit status."""
        return self.process.wait(seconds)

    def wait_until(self, condition: Callable[[], object], seconds: float, otherwise: str) -> None:
        """Return once a condition holds while it runs; see `wait_for`."""
        wait_for(lambda: self.process.poll() is not None or condition(), seconds, otherwise)
        assert self.process.poll() is None, self.text[-5000:]


def profile_folder(folder: Path, **training: object) -> Path:
    """Give a working directory the repository's profile, where `--profile slurm` finds it.

    Further resources of the training are set in it, as a user would.
    """
    profile = yaml.safe_load((REPOSITORY / "slurm/config.yaml").read_text())
    if training:
        profile["set-resources"] = {"train_model": training}
    (folder / "slurm").mkdir()
    (folder / "slurm/config.yaml").write_text(yaml.safe_dump(profile, sort_keys=False))
    return folder


@contextmanager
def started(
    folder: Path, environment: Mapping[str, str], snakefile: Path, *arguments: str, nice: int = 0
) -> Iterator[Background]:
    """Run Snakemake in a folder; it is ended when the context is left. With `nice` 19 it takes what others leave."""
    output = folder / f"snakemake{len([*folder.glob('snakemake*.out')])}.out"
    command = ["nice", "-n", str(nice), sys.executable, "-P", IMPATIENT, "--snakefile", str(snakefile), *arguments]
    with output.open("w") as out:
        process = subprocess.Popen(
            [*DIE_TOGETHER, *command],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    try:
        yield Background(process, output)
    finally:
        process.kill()
        process.wait()
