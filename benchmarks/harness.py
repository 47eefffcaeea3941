"""Measures several ways to do one task, in turns, each in its own process.

A numbered script defines its ways as functions of a folder and of words from the command line, and ends with
`main(...)`. Every way runs in a fresh process, which reports the run time of the function in seconds, its peak memory
(of the largest process, including its child processes) and its numerical results, so that ways can be compared.
"""

import argparse
import json
import multiprocessing
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import yaml

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY / "workflow_scripts"))

Numbers = dict[str, float]
SECONDS = "seconds"  # among the results: the run time that counts, without what all ways have in common
DEMO = REPOSITORY / "config/demo/config.yaml"


def demo_backbone() -> dict[str, object]:
    """Shape of the demo's small model, with Mixtral's default number of experts per token."""
    return yaml.safe_load(DEMO.read_text())["models"]["small"]["backbone"] | {"num_experts_per_tok": 2}


@dataclass(frozen=True)
class Way:
    """One way to do the task: a function of the data folder and the words of a case, which returns its results."""

    name: str
    run: Callable[..., Numbers]
    share: float = 1.0  # of the work that it does, if all of it would take hours
    repeats: int | None = None  # if fewer than the others


@dataclass(frozen=True)
class Measured:
    """Seconds of each repeat, scaled up to the whole work; peak memory in GB; the results."""

    way: str
    seconds: list[float]
    gigabytes: float
    found: Numbers
    share: float

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)


@dataclass(frozen=True)
class Row:
    """A row of the table: one way in one case. `ratio` is its median time divided by ours."""

    number: int
    what: str
    way: str
    seconds: float
    spread: str
    gigabytes: float
    ratio: float | None
    share: float = 1.0


@dataclass(frozen=True)
class Target:
    """A target of a case, and the result."""

    number: int
    wanted: str
    found: str
    met: bool


@dataclass(frozen=True)
class Result:
    """Results of a script: rows, targets, and sentences about checks and the like."""

    rows: list[Row]
    targets: list[Target]
    remarks: list[str]


class Bench:
    """Runs the ways of a script in turns.

    Parameters
    ----------
    script
        Path of the script (its `__file__`).
    ways
        All of its ways.
    folder
        Folder of its data.
    repeats
        Number of turns.
    """

    def __init__(self, script: str, ways: Sequence[Way], folder: Path, repeats: int) -> None:
        self._script, self._ways, self._folder, self._repeats = script, ways, folder, repeats

    def measure(self, *words: str, only: Sequence[str] = (), repeats: int | None = None) -> dict[str, Measured]:
        """Run the ways on one case, in turns; `words` are passed to their functions."""
        repeats = repeats or self._repeats
        ways = [way for way in self._ways if not only or way.name in only]
        runs: dict[str, list[dict]] = {way.name: [] for way in ways}
        for turn in range(repeats):
            for way in ways:
                if turn < (way.repeats or repeats):
                    sys.stderr.write(f"{Path(self._script).stem} {' '.join(words)}: {way.name}, turn {turn + 1}\n")
                    runs[way.name].append(self._once(way, words))
        return {
            way.name: Measured(
                way.name,
                [run["seconds"] / way.share for run in runs[way.name]],
                max(run["gigabytes"] for run in runs[way.name]),
                runs[way.name][0]["found"],
                way.share,
            )
            for way in ways
        }

    def _once(self, way: Way, words: Sequence[str]) -> dict:
        command = [sys.executable, self._script, "--folder", str(self._folder), "--way", way.name, *words]
        run = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        return json.loads(run.stdout.splitlines()[-1])


def rows(number: int, what: str, measured: Mapping[str, Measured], ours: str = "ours") -> list[Row]:
    """Rows of one case; ratios are ratios of medians."""
    return [
        Row(
            number,
            what,
            each.way,
            each.median,
            f"{min(each.seconds):.3g} to {max(each.seconds):.3g}" if len(each.seconds) > 1 else "one turn",
            each.gigabytes,
            None if each.way == ours else each.median / measured[ours].median,
            each.share,
        )
        for each in measured.values()
    ]


def markdown(result: Result) -> str:
    """A table of the rows, then targets and remarks."""
    lines = [
        "| row | what | way | seconds | spread | times ours | peak GB |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row in result.rows:
        ratio = "" if row.ratio is None else f"{row.ratio:.3g}"
        part = "" if row.share == 1 else f" (from {row.share:.3g} of the work)"
        lines.append(
            f"| {row.number} | {row.what} | {row.way}{part} | {row.seconds:.3g} | {row.spread} | {ratio} "
            f"| {row.gigabytes:.2f} |"
        )
    if result.targets:
        lines += ["", "| row | wanted | found | met |", "| --- | --- | --- | --- |"]
        lines += [f"| {t.number} | {t.wanted} | {t.found} | {'yes' if t.met else '**no**'} |" for t in result.targets]
    remarks = [*result.remarks]
    if any(row.share != 1 for row in result.rows):
        remarks.append("If a way does only a part of the work, its time is scaled up, including its start-up time.")
    lines += ["", *(f"- {remark}" for remark in remarks)]
    return "\n".join(lines) + "\n"


def main(
    script: str,
    documentation: str,
    ways: Sequence[Way],
    make_data: Callable[[Path], None],
    evaluate: Callable[[Bench, Path], Result],
    *,
    repeats: int = 3,
) -> None:
    """Command line of a numbered script: make the data, measure, print the table; `--json FILE` also saves it.

    `make_data` runs in its own process, because the peak memory of a child process starts at that of its parent. It is
    skipped if an earlier `make_data` in this folder has succeeded.
    """
    parser = argparse.ArgumentParser(description=documentation, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, help="folder to keep the data in; existing data are reused")
    parser.add_argument("--repeats", type=int, default=repeats)
    parser.add_argument("--json", type=Path, help="file to write the result to as well")
    parser.add_argument("--way", choices=[way.name for way in ways], help=argparse.SUPPRESS)
    parser.add_argument("words", nargs="*", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.way:
        _report_one(next(way for way in ways if way.name == options.way), options.folder, options.words)
        return
    with tempfile.TemporaryDirectory() as name:
        folder = options.folder or Path(name)
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / "made").exists():
            making = multiprocessing.get_context("spawn").Process(target=make_data, args=(folder,))
            making.start()
            making.join()
            if making.exitcode:
                sys.exit(f"the data could not be made: exit code {making.exitcode}")
            (folder / "made").touch()
        result = evaluate(Bench(script, ways, folder, options.repeats), folder)
    sys.stdout.write(markdown(result))
    if options.json:
        options.json.write_text(json.dumps(asdict(result), indent=1))


def _report_one(way: Way, folder: Path, words: Sequence[str]) -> None:
    began = time.perf_counter()
    found = way.run(folder, *words)
    seconds = found.pop(SECONDS, time.perf_counter() - began)
    peaks = [resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    sys.stdout.write(json.dumps({"seconds": seconds, "gigabytes": max(peaks) / 1e6, "found": found}) + "\n")
