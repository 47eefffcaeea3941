"""Running the workflow in a folder of its own, as a user would."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]


@dataclass(frozen=True)
class Run:
    """What a finished `snakemake` said: its exit status and both of its streams."""

    status: int
    text: str

    def planned(self) -> dict[str, list[dict[str, str]]]:
        """The jobs of a plan or a run by rule, each with its wildcards."""
        jobs: dict[str, list[dict[str, str]]] = {}
        for rule, body in re.findall(r"^(?:local)?(?:rule|checkpoint) (\w+):\n((?: .*\n)*)", self.text, re.MULTILINE):
            found = re.search(r"^ +wildcards: (.*)$", body, re.MULTILINE)
            pairs = re.split(r", (?=\w+=)", found[1]) if found else []
            jobs.setdefault(rule, []).append(dict(pair.split("=", 1) for pair in pairs))
        return jobs


# Python imports a module of this name at its start, in every process: it makes each connection an error.
CLOSED_NETWORK = """
import socket

connect = socket.socket.connect


def refuse(*_, **__):
    raise AssertionError("a connection was tried")


def connect_locally(self, address):
    return connect(self, address) if self.family == socket.AF_UNIX else refuse()


socket.socket.connect = socket.socket.connect_ex = connect_locally
socket.getaddrinfo = socket.create_connection = refuse
"""


def close_network(folder: Path) -> dict[str, str]:
    """Environment in which no Python process can reach anything, this machine included."""
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(CLOSED_NETWORK)
    return {"PYTHONPATH": str(folder)}


def snakemake(
    folder: Path,
    *arguments: str,
    cores: int = 2,
    environment: Mapping[str, str] | None = None,
    snakefile: Path = REPOSITORY / "Snakefile",
) -> Run:
    """Run the workflow with `folder` as working directory, `environment` added to the process's own.

    Small networks are trained and used on one core each: that is faster than two threads for one.
    """
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(snakefile), "--cores", str(cores)]
    run = subprocess.run(
        [*command, *arguments, "--set-threads", "train_model=1", "predict_chromosome=1"],
        cwd=folder,
        env=os.environ | {"HF_HUB_OFFLINE": "1"} | dict(environment or {}),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return Run(run.returncode, run.stdout)


def demo_folder(folder: Path) -> Path:
    """A working directory with a copy of the configuration that a test may change."""
    shutil.copytree(REPOSITORY / "config", folder / "config")
    return folder
