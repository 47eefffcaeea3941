"""The conda environments as far as pip makes them: each `pip:` list installed for real, once for all tests.

Run as a program (`make environments`), it builds what is missing and prints seconds and megabytes of each.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import yaml
from filelock import FileLock

REPOSITORY = Path(__file__).parents[1]
ENVIRONMENTS = sorted((REPOSITORY / "envs").glob("*.yaml"))
FOLDER = REPOSITORY / ".venv" / "environments"


def read_conda(environment: Path) -> list[str]:
    """What an environment file takes from conda's channels."""
    return [line for line in yaml.safe_load(environment.read_text())["dependencies"] if isinstance(line, str)]


def read_pip(environment: Path) -> list[str]:
    """What pip installs into it."""
    (section,) = (line for line in yaml.safe_load(environment.read_text())["dependencies"] if isinstance(line, dict))
    return section["pip"]


def build_environment(environment: Path) -> Path:
    """Install the `pip:` list of a file into an empty environment of this Python, unless that was done before.

    Returns
    -------
    Path
        The virtual environment.
    """
    pins = "\n".join(read_pip(environment))
    digest = hashlib.sha256(f"{sys.version}\n{pins}".encode()).hexdigest()[:16]
    folder = FOLDER / f"{yaml.safe_load(environment.read_text())['name']}-{digest}"
    FOLDER.mkdir(exist_ok=True)
    with FileLock(FOLDER / f"{folder.name}.lock"):
        if not (folder / "complete").exists():
            shutil.rmtree(folder, ignore_errors=True)
            subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
            (folder / "pins.txt").write_text(pins)
            # Without bytecode: a few jobs import a small part of what is installed.
            options = ["--quiet", "--progress-bar", "off", "--no-compile", "-r", folder / "pins.txt"]
            own = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
            pip = [sys.executable, "-m", "pip", "--python", folder / "bin/python", "install", *options]
            subprocess.run(pip, check=True, env=own | {"PYTHONNOUSERSITE": "1"})
            (folder / "complete").touch()
    return folder


def main() -> None:
    for environment in ENVIRONMENTS:
        start = time.monotonic()
        folder = build_environment(environment)
        size = sum(path.lstat().st_size for path in folder.rglob("*")) / 1e6
        sys.stdout.write(f"{environment.name}: {time.monotonic() - start:.0f} s, {size:,.0f} MB\n")


if __name__ == "__main__":
    main()
