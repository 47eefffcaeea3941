"""A stand-in for conda, where none can be had.

What an environment takes from conda's channels is solved and installed with py-rattler, from a channel made here of
thin packages: a name, a version and next to nothing else. What it takes from pip is the real thing: the `pip:` list,
installed by pip into an environment of its own (see environments.py), which `python` runs in. So it is shown that all
pins exist and agree, and that the environments are created, activated and sufficient. That conda-forge has the
few packages asked of it is not shown.
"""

import argparse
import asyncio
import hashlib
import io
import json
import os
import stat
import subprocess
import sys
import tarfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from environments import build_environment, read_conda
from rattler import Channel, ChannelConfig, ChannelPriority, MatchSpec, install, solve
from rattler.index import index_fs

VERSION = "24.11.3"
PLATFORM = "linux-64"
TESTS = Path(__file__).parents[1]
CHANNEL = "conda-forge"
TOO_NEW = "99999"  # of every package there is this one, too: who ignores a pin gets it
ANY = "1.0"  # what is not pinned
CALLS = "calls.txt"  # in an environment: the arguments that its python was called with
PYTHON = f"""#!/bin/sh
echo "$@" >> "$CONDA_PREFIX/{CALLS}"
exec "$CONDA_PREFIX/pip/bin/python" "$@"
"""
# Every job of a cluster asks these: a shell answers faster than another Python.
CONDA = """#!/bin/sh
case "$*" in
    --version) echo 'conda {version}' ;;
    "info --json") echo '{info}' ;;
    "config --get channel_priority --json") echo '{priority}' ;;
    *) PYTHONPATH="{tests}" exec "{python}" "{script}" "{base}" "$@" ;;
esac
"""
ACTIVATE = """export CONDA_PREFIX="$1"
export PATH="$1/bin:$1/pip/bin:$PATH"
"""


def read_specs(environment: Path) -> list[MatchSpec]:
    """Parse what an environment file takes from conda, strictly.

    Raises
    ------
    rattler.exceptions.InvalidMatchSpecError
        If one is not what conda takes.
    """
    return [MatchSpec(line, strict=True) for line in read_conda(environment)]


def make_conda(base: Path, environments: Iterable[Path]) -> Path:
    """Write a base environment with `conda`, `activate` and the channel; return its folder of programs."""
    pins = {line for path in environments for line in read_conda(path)}
    channel = base / "channels" / CHANNEL
    for subdir in (PLATFORM, "noarch"):
        (channel / subdir).mkdir(parents=True)
    folder = channel / PLATFORM
    for name, _, version in sorted(pin.partition(" =") for pin in pins):
        for each in (version, TOO_NEW) if version else (ANY,):
            _write_package(folder, name, each, {"bin/python": PYTHON} if name == "python" else {})
    programs = base / "bin"
    programs.mkdir()
    (programs / "activate").write_text(ACTIVATE)
    answers = {
        "version": VERSION,
        "info": json.dumps({"conda_prefix": str(base), "platform": PLATFORM}),
        "priority": json.dumps({"get": {"channel_priority": "strict"}}),
    }
    (programs / "conda").write_text(
        CONDA.format(**answers, python=sys.executable, script=__file__, base=base, tests=TESTS)
    )
    (programs / "conda").chmod(0o755)
    subprocess.run([programs / "conda", "index", channel], check=True)
    return programs


def _write_package(folder: Path, name: str, version: str, files: Mapping[str, str]) -> None:
    """Write a package of programs, in conda's older format."""
    index = {"name": name, "version": version, "build": "thin_0", "build_number": 0, "depends": [], "subdir": PLATFORM}
    paths = [
        {
            "_path": path,
            "path_type": "hardlink",
            "sha256": hashlib.sha256(text.encode()).hexdigest(),
            "size_in_bytes": len(text.encode()),
        }
        for path, text in files.items()
    ]
    info = {"info/index.json": index, "info/paths.json": {"paths": paths, "paths_version": 1}}
    contents = {path: json.dumps(content) for path, content in info.items()} | dict(files)
    with tarfile.open(folder / f"{name}-{version}-thin_0.tar.bz2", "w:bz2") as package:
        for path, text in contents.items():
            member = tarfile.TarInfo(path)
            member.size = len(text.encode())
            member.mode = stat.S_IFREG | (0o755 if path in files else 0o644)
            package.addfile(member, io.BytesIO(text.encode()))


async def install_conda_packages(base: Path, environment: Path, prefix: Path) -> None:
    """Solve what an environment file takes from conda with strict channel priority, and install what comes out."""
    config = ChannelConfig(channel_alias=f"{(base / 'channels').as_uri()}/")
    records = await solve(
        [Channel(CHANNEL, config)],
        read_specs(environment),
        platforms=[PLATFORM, "noarch"],
        channel_priority=ChannelPriority.Strict,
    )
    await install(records, prefix, cache_dir=base / "pkgs", show_progress=False)


def main(base: Path, arguments: list[str]) -> None:
    """Do what Snakemake asks conda to do, and `conda index`; anything else is an error."""
    match arguments:
        case ["env", "create", *options]:
            parser = argparse.ArgumentParser()
            parser.add_argument("--quiet", action="store_true")
            parser.add_argument("--no-default-packages", action="store_true")
            parser.add_argument("--file", type=Path, required=True)
            parser.add_argument("--prefix", type=Path, required=True)
            wanted = parser.parse_args(options)
            asyncio.run(install_conda_packages(base, wanted.file, wanted.prefix))
            (wanted.prefix / "pip").symlink_to(build_environment(wanted.file))
        case ["clean", *_]:
            pass
        case ["index", channel]:
            asyncio.run(index_fs(channel))
        case _:
            sys.exit(f"conda: the stand-in knows no {' '.join(arguments)!r}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
    sys.stdout.flush()
    os._exit(0)  # in one of six processes the threads of py-rattler 0.28 crash while Python ends
