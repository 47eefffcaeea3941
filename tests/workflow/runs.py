"""Running the workflow in a folder of its own, as a user would."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]


@dataclass(frozen=True)
class Run:
    """What a finished `snakemake` said: its exit status and both of its streams."""

    status: int
    text: str

    def planned(self) -> dict[str, list[dict[str, str]]]:
        """Of a dry run: the jobs by rule, each with its wildcards."""
        jobs: dict[str, list[dict[str, str]]] = {}
        for rule, body in re.findall(r"^(?:local)?(?:rule|checkpoint) (\w+):\n((?: .*\n)*)", self.text, re.MULTILINE):
            found = re.search(r"^ +wildcards: (.*)$", body, re.MULTILINE)
            pairs = re.split(r", (?=\w+=)", found[1]) if found else []
            jobs.setdefault(rule, []).append(dict(pair.split("=", 1) for pair in pairs))
        return jobs


def snakemake(folder: Path, *arguments: str, cores: int = 2) -> Run:
    """Run the workflow with `folder` as working directory."""
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(REPOSITORY / "Snakefile"), "--cores", str(cores)]
    environment = os.environ | {"HF_HUB_OFFLINE": "1"}
    run = subprocess.run(
        [*command, *arguments],
        cwd=folder,
        env=environment,
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
