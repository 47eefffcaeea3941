"""The projection beside sums by hand."""

import json
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
GENOME = 2_875_001_522 / 50_000_000  # in chromosomes of the benchmarks
SECONDS = {
    "plan of 667 tracks, 26,026 jobs": 90,
    "check of one sample; 50 Mb": 2,
    "scale, average 4, statistics, write; 50 Mb": 8,
    "scale, average 16, statistics, write; 50 Mb": 20,
    "1,000 windows of 32,000 bases, 2 tracks": 4,
    "gene x track matrix, 4 observed tracks": 6,
    "gene x track matrix, 2 predicted tracks": 6,
    "base-level scores, 50 Mb, 4 tracks": 20,
    "mean of 4, 249 Mb": 40,
    "predicted track written, 249 Mb": 249,
}


@pytest.fixture
def projection(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(BENCHMARKS)
    return import_module("projection")


def write_rows(folder: Path, seconds: dict[str, float]) -> None:
    """What `run.py` leaves: our rows, and a peer's beside each."""
    harness = import_module("harness")
    rows = [
        harness.Row(1, what, way, number * factor, "one turn", 0.25, None)
        for what, number in seconds.items()
        for way, factor in (("ours", 1), ("peer", 100))
    ]
    (folder / "01_rows.json").write_text(json.dumps(asdict(harness.Result(rows, [], []))))


def test_core_hours(projection: ModuleType, tmp_path: Path) -> None:
    write_rows(tmp_path, SECONDS)
    sizes = projection.Sizes(sample=0.1, mean=0.4, prediction=4)
    found = {stage.rule: stage for stage in projection.stages(projection.Measured(tmp_path), sizes)}
    # 271 pairs and 71 single files of 3 samples, 54 of 10; a mean costs 4 s and 1 s a sample.
    files = 271 * 2 * 3 + 71 * 3 + 54 * 10
    assert found["check_sample: reading only"].seconds == pytest.approx(files * 2 * GENOME)
    assert found["average_track"].seconds == pytest.approx((613 * (4 + 3) + 54 * (4 + 10)) * GENOME)
    assert found["average_half"].seconds == pytest.approx((667 * 2 * 4 + files) * GENOME)
    assert found["average_half"].longest == pytest.approx((4 + 5) * GENOME)
    assert found["sum_genes (means, halves)"].seconds == pytest.approx(667 * 3 * 1.5 * GENOME)
    assert found["sum_genes (predictions)"].seconds == pytest.approx(667 * 3 * GENOME)
    assert found["gather_prediction"].seconds == pytest.approx(667 * 2_875.001522)
    assert found["compare_bases"].seconds == pytest.approx(667 * 4 * 10 * GENOME)
    assert found["train_model: reading windows only"].seconds == pytest.approx(
        396 * 60 * 2_875_001_522 / 16_000 * 0.004
    )
    assert found["average_track"].disk == pytest.approx(667 * 2.875001522 * 0.4)


def test_cores_without_a_job_and_the_longest_job_bound_the_hours(projection: ModuleType) -> None:
    stage = projection.Stage("rule", "", jobs=3, seconds=12, longest=5, gigabytes=1)
    assert [stage.wall(cores) for cores in (2, 3, 16)] == [6, 5, 5]


def test_a_missing_row_is_named(projection: ModuleType, tmp_path: Path) -> None:
    write_rows(tmp_path, {what: 1 for what in SECONDS if "check" not in what})
    with pytest.raises(SystemExit, match="0 rows of ours for 'check of one sample'"):
        list(projection.stages(projection.Measured(tmp_path), projection.Sizes(1, 1, 1)))
