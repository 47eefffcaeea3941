"""What was run: commit, package versions, run times and memory."""

import json
import platform
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import pandas as pd

from .errors import InputError
from .files import read_text

PACKAGES = [
    "snakemake",
    "torch",
    "transformers",
    "accelerate",
    "peft",
    "safetensors",
    "numpy",
    "pandas",
    "scipy",
    "pyBigWig",
    "pyfaidx",
    "pyranges",
    "anndata",
    "deepTools",
    "matplotlib",
]


@dataclass(frozen=True)
class Provenance:
    """The commit and package versions that produced a result."""

    commit: str | None
    versions: dict[str, str]

    @classmethod
    def of_this_process(cls, checkout: Path) -> "Provenance":
        """The commit of a checkout and the versions of the installed packages."""
        return cls(describe_commit(checkout), software_versions())


def read_provenance(path: Path) -> Provenance:
    """Read a `Provenance` that `files.write_json` wrote."""
    return Provenance(**json.loads(read_text(path)))


def describe_commit(checkout: Path) -> str | None:
    """The checkout's commit, with `-dirty` if files differ from it; None outside a git repository or without git."""
    if shutil.which("git") is None:
        return None
    command = ["git", "-C", str(checkout), "describe", "--always", "--exclude=*", "--dirty", "--abbrev=12"]
    run = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    return run.stdout.strip() or None


def software_versions() -> dict[str, str]:
    """Versions of Python and of the packages that the results depend on, if they are installed."""
    installed = {}
    for package in PACKAGES:
        try:
            installed[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return {"python": platform.python_version(), **installed}


def read_benchmarks(files: Sequence[Path], root: Path) -> pd.DataFrame:
    """Read Snakemake benchmark files.

    Parameters
    ----------
    files
        The files; a repeated job has one row per repeat, and its longest time and largest memory are reported.
    root
        Folder to which the job names are relative.

    Returns
    -------
    Columns `job`, `seconds` and `peak_memory_mb` (NaN if the job was too short to be sampled).

    Raises
    ------
    InputError
        If a file has no row, or lacks the column `s` or `max_rss`.
    """
    rows = []
    for file in files:
        runs = pd.read_csv(file, sep="\t", na_values=["-", "NA"])
        if runs.empty or not {"s", "max_rss"} <= {*runs.columns}:
            found = f"{len(runs)} rows with the columns {', '.join(runs.columns)}"
            raise InputError(file, found, "a Snakemake benchmark with the columns s and max_rss")
        job = file.relative_to(root).with_suffix("").as_posix()
        rows.append((job, float(runs["s"].max()), float(runs["max_rss"].max())))
    return pd.DataFrame(rows, columns=["job", "seconds", "peak_memory_mb"])
