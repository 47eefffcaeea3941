"""What was run: commit, package versions, input files."""

import json
import platform
import shutil
import subprocess
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

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
    "matplotlib",
]


@dataclass(frozen=True)
class Provenance:
    """The commit and package versions that made a result."""

    commit: str | None
    versions: dict[str, str]


def read_provenance(path: Path) -> Provenance:
    """Read back what `files.write_json` wrote of a `Provenance`."""
    return Provenance(**json.loads(path.read_text()))


def describe_commit(checkout: Path) -> str | None:
    """The checkout's commit, with `-dirty` where files differ from it; None outside git or without git."""
    if shutil.which("git") is None:
        return None
    command = ["git", "-C", str(checkout), "describe", "--always", "--exclude=*", "--dirty", "--abbrev=12"]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    return run.stdout.strip() or None


def software_versions() -> dict[str, str]:
    """Versions of Python and of the packages that the numbers depend on; those not installed here are left out."""
    installed = {}
    for package in PACKAGES:
        try:
            installed[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return {"python": platform.python_version(), **installed}
