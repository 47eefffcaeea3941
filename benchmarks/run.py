"""Run the numbered scripts one after the other and gather their tables in benchmarks/results.md.

    python benchmarks/run.py [NUMBER ...] [--folder FOLDER] [--repeats N]

What each script found is kept as JSON in `results/benchmarks` (`--json`); the table is made from all that lie there, so
that one script can be run again alone.
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
    """Read back what a script wrote with `--json`."""
    record = json.loads(read_text(path))
    rows = [Row(**row) for row in record["rows"]]
    return Result(rows, [Target(**target) for target in record["targets"]], record["remarks"])


def machine() -> list[str]:
    """What the figures were measured on."""
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
        "Ours beside other tools on the same files in the same run: medians of interleaved repeats, each in a process",
        "of its own; peak memory is that of its largest process. `times ours` is the other way's time over ours.",
        "Made by `make bench`; how each row is measured stands at the top of its script, `benchmarks/NN_*.py`.",
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
    parser.add_argument("--folder", type=Path, help="keep the data there, and use what is there")
    parser.add_argument("--repeats", type=int, help="turns, instead of each script's own number")
    parser.add_argument("--json", type=Path, default=REPOSITORY / "results/benchmarks", help="what each script found")
    parser.add_argument("--results", type=Path, default=HERE / "results.md", help="the page to write")
    options = parser.parse_args()
    if unknown := sorted(set(options.numbers) - set(scripts)):
        parser.error(f"no script has number {unknown[0]}: they are {', '.join(map(str, scripts))}")
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
    alone = [f"- Measured alone, after the others: rows {options.numbers}"] if options.numbers else []
    options.results.write_text(report([read_result(path) for path in there], [*machine(), *alone]))
    if failed:
        sys.exit(f"failed, and missing from {options.results}: {', '.join(failed)}")


if __name__ == "__main__":
    main()
