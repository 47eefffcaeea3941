"""Benchmarks: their samples, ways that agree on small data, what runs and compares them, and the page of results."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from bigwigs import read_bases

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
SCRIPT = """
import sys
from harness import Result, Way, main, rows

def make_data(folder):
    (folder / "data").write_text("3")

def ours(folder, word):
    return {word: float((folder / "data").read_text())}

def evaluate(bench, folder):
    measured = bench.measure("number")
    return Result(rows(9, "a case", measured), [], [str(each.found) for each in measured.values()])

WAYS = [Way("ours", ours), Way("a slice", ours, share=0.01, repeats=1)]
if __name__ == "__main__":
    main(__file__, __doc__, WAYS, make_data, evaluate)
"""


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], ModuleType]:
    """Import a file of benchmarks/ as its scripts do."""
    monkeypatch.syspath_prepend(BENCHMARKS)
    return import_module


def run_script(folder: Path, text: str, *words: str | Path) -> subprocess.CompletedProcess:
    script = folder / "09_script.py"
    script.write_text(text)
    environment = os.environ | {"PYTHONPATH": str(BENCHMARKS)}
    return subprocess.run(
        [sys.executable, script, *words], capture_output=True, text=True, check=False, env=environment
    )


def test_ways_run_in_turns_and_slices_are_multiplied_up(tmp_path: Path) -> None:
    done = run_script(tmp_path, SCRIPT, "--repeats", "2", "--folder", tmp_path / "new", "--json", tmp_path / "9.json")
    assert done.returncode == 0, done.stderr
    assert [line.split(": ")[1] for line in done.stderr.splitlines()] == [
        "ours, turn 1",
        "a slice, turn 1",
        "ours, turn 2",
    ]
    found = json.loads((tmp_path / "9.json").read_text())
    assert found["remarks"] == ["{'number': 3.0}"] * 2
    ours, part = found["rows"]
    assert (ours["ratio"], ours["share"], part["share"], part["spread"]) == (None, 1, 0.01, "one turn")
    assert part["ratio"] == pytest.approx(part["seconds"] / ours["seconds"])
    assert "| 9 | a case | a slice (from 0.01 of the work) |" in done.stdout


def test_a_script_stops_where_the_data_cannot_be_made(tmp_path: Path) -> None:
    failing = SCRIPT.replace('.write_text("3")', '.write_text("3") and sys.exit(7)')
    done = run_script(tmp_path, failing, "--folder", tmp_path / "new" / "folder")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "the data could not be made: exit code 7"
    assert not (tmp_path / "new" / "folder" / "made").exists()


def test_samples_have_gaps_or_zeros_and_the_intervals_that_they_should(tmp_path: Path, load: Callable) -> None:
    tracks = load("made_tracks")
    paths = tracks.write_samples(tmp_path, 2, 1_000_000)
    with_gaps, with_zeros = (read_bases(path, tracks.CHROM) for path in paths)
    assert np.isnan(with_gaps).any()
    assert not np.isnan(with_zeros).any()
    for values in (np.nan_to_num(with_gaps), with_zeros):
        assert 0.3 < np.mean(values > 0) < 0.6
        assert np.count_nonzero(np.diff(values)) == pytest.approx(25_000, rel=0.2)


def test_the_ways_to_average_agree(tmp_path: Path, load: Callable) -> None:
    script = load("01_mean")
    paths = script.write_samples(tmp_path, 3, 200_000)
    expected = np.mean([np.nan_to_num(read_bases(path, script.CHROM)) for path in paths], axis=0)
    ways = {"ours_1": script.ours, "ours_2": script.TWO.run}
    ways |= {"pyBigWig": script.with_pybigwig, "pybigtools": script.with_pybigtools}
    for name, way in ways.items():
        found = way(tmp_path, "3")
        assert found["total"] == pytest.approx(expected.sum(), rel=1e-6)
        assert found["nonzero"] == np.count_nonzero(expected)
        assert found["maximum"] == pytest.approx(expected.max(), rel=1e-6)
        np.testing.assert_allclose(read_bases(tmp_path / f"{name}.3.bw", script.CHROM), expected, rtol=1e-6)


def test_the_page_shows_what_the_scripts_wrote(tmp_path: Path, load: Callable) -> None:
    harness, run = load("harness"), load("run")
    rows = [harness.Row(1, "a case", way, 2, "one turn", 0.5, ratio) for way, ratio in (("ours", None), ("other", 3))]
    targets = [harness.Target(1, "faster", "3 times", True), harness.Target(1, "smaller", "0.5 GB", False)]
    (tmp_path / "1.json").write_text(json.dumps(asdict(harness.Result(rows, targets, ["They agree."]))))
    page = run.report([run.read_result(tmp_path / "1.json")], ["- 2 cores"]).splitlines()
    assert {"- 2 cores", "1 of 2 targets are met.", "- They agree."} <= set(page)
    assert "| 1 | a case | other | 2 | one turn | 3 | 0.50 |" in page
    assert "| 1 | smaller | 0.5 GB | **no** |" in page
    assert run.machine()
