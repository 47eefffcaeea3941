"""Run the numbered scripts one after another and collect their tables in benchmarks/results.md.

    python benchmarks/run.py [NUMBER ...] [--folder FOLDER] [--repeats N]

The results of each script are kept as JSON in `results/benchmarks` (`--json`). The page is made from all files there,
so a single script can be run again.
"""

import argparse
import importlib.metadata
import json
import os
import platform
import subprocess
import sys
from datetime import date
from pathlib import Path

from harness import REPOSITORY, Result, Row, Target, markdown

from rnatracks.files import read_text
from rnatracks.provenance import describe_commit

HERE = Path(__file__).resolve().parent
PEERS = (
    *("numpy", "scipy", "pandas", "pyBigWig", "pybigtools", "deepTools", "pyfaidx", "torch", "transformers"),
    *("tokenizers", "snakemake"),
)


def numbered_scripts() -> dict[int, Path]:
    return {int(path.name[:2]): path for path in sorted(HERE.glob("[0-9][0-9]_*.py"))}


def read_result(path: Path) -> Result:
    """Read a file written by a script with `--json`."""
    record = json.loads(read_text(path))
    rows = [Row(**row) for row in record["rows"]]
    return Result(rows, [Target(**target) for target in record["targets"]], record["remarks"])


def machine() -> list[str]:
    """Date, commit, machine and versions of the measurements."""
    processor = next(line for line in read_text(Path("/proc/cpuinfo")).splitlines() if line.startswith("model name"))
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in PEERS)
    cores = len(os.sched_getaffinity(0))
    return [
        f"- {date.today()}, commit {describe_commit(REPOSITORY)}",
        f"- {cores} cores ({processor.split(':')[1].strip()}), {memory:.0f} GiB of memory",
        f"- Python {platform.python_version()}, {versions}",
    ]


def report(results: list[Result], about: list[str]) -> str:
    """One page: the machine, one table of all rows, one of all targets, and the remarks."""
    everything = Result(
        [row for result in results for row in result.rows],
        [target for result in results for target in result.targets],
        [remark for result in results for remark in result.remarks],
    )
    missed = sum(not target.met for target in everything.targets)
    lines = [
        "# Benchmarks",
        "",
        "Our code and other tools on the same files in the same run: medians of interleaved repeats, each in its own",
        "process. Peak memory is that of the largest process. `times ours` is the time of the other way divided by our",
        "time. Made by `make bench`. Each script, `benchmarks/NN_*.py`, begins with a description of how it measures.",
        "",
        *about,
        "",
        f"{len(everything.targets) - missed} of {len(everything.targets)} targets are met.",
        "",
    ]
    return "\n".join(lines) + "\n" + markdown(everything)


def main() -> None:
    scripts = numbered_scripts()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("numbers", nargs="*", type=int, metavar="NUMBER", help=f"of {', '.join(map(str, scripts))}")
    parser.add_argument("--folder", type=Path, help="folder to keep the data in; existing data are reused")
    parser.add_argument("--repeats", type=int, help="number of turns (default: that of each script)")
    parser.add_argument("--json", type=Path, default=REPOSITORY / "results/benchmarks", help="folder for the results")
    parser.add_argument("--results", type=Path, default=HERE / "results.md", help="the page to write")
    options = parser.parse_args()
    if unknown := sorted(set(options.numbers) - set(scripts)):
        parser.error(f"no script has the number {unknown[0]}; the numbers are {', '.join(map(str, scripts))}")
    options.json.mkdir(parents=True, exist_ok=True)
    if not options.numbers:
        for left in options.json.glob("*.json"):
            left.unlink()
    failed = []
    for number in options.numbers or scripts:
        script = scripts[number]
        found = options.json / f"{script.stem}.json"
        found.unlink(missing_ok=True)
        command = [sys.executable, str(script), "--json", str(found)]
        command += ["--folder", str(options.folder / script.stem)] if options.folder else []
        command += ["--repeats", str(options.repeats)] if options.repeats else []
        if subprocess.run(command, check=False).returncode:
            failed.append(script.name)
    there = [path for script in scripts.values() if (path := options.json / f"{script.stem}.json").exists()]
    alone = [f"- Measured separately, after the others: rows {options.numbers}"] if options.numbers else []
    options.results.write_text(report([read_result(path) for path in there], [*machine(), *alone]))
    if failed:
        sys.exit(f"failed, and missing from {options.results}: {', '.join(failed)}")


if __name__ == "__main__":
    main()
