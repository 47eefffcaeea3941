"""Projects the cost of the published run from the measurements of the numbered scripts: docs/projection.md.

    python benchmarks/run.py && python benchmarks/projection.py > docs/projection.md

Times and memory are those of our rows in the JSON files of `run.py` (`--json FOLDER`). Times are multiplied by the
bases, tracks and samples of the run. This script measures the bytes per base. Stages that no script measures are not
projected.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from harness import REPOSITORY
from made_tracks import CHR1, CHROM, LENGTH, write_samples
from mean_tracks import average_samples, predicted
from published_run import BASES, FILES, KINDS, MODELS, TRACKS
from run import machine, read_result

from rnatracks.tracks.bigwig import write_coverage

EPOCHS, STEP = 60, 16_000  # of the published recipe: epochs, and bases from one window to the next
SHORT = 10_000_000  # bases on which bytes per base are measured
CORES = (2, 16)


@dataclass(frozen=True)
class Stage:
    """The jobs of a rule: `seconds` of all of them on one core, those of the longest, and GB left on disk."""

    rule: str
    rate: str
    jobs: int
    seconds: float
    longest: float
    gigabytes: float  # peak memory of the largest process of a job
    disk: float | None = None
    beside: bool = False  # runs while a GPU works, so its hours are not added

    def wall(self, cores: int) -> float:
        """Seconds on a number of cores; jobs of a stage do not depend on each other."""
        return max(self.seconds / min(cores, self.jobs), self.longest)


@dataclass(frozen=True)
class Sizes:
    """Bytes per base."""

    sample: float
    mean: float
    prediction: float


class Measured:
    """Our rows of the numbered scripts, by their label."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        found = [row for path in sorted(folder.glob("*.json")) for row in read_result(path).rows]
        self._rows = {row.what: row for row in found if row.way == "ours"}

    def __call__(self, start: str, end: str = "") -> tuple[float, float]:
        """Seconds and GB of the only row whose label has this start and end."""
        rows = [row for what, row in self._rows.items() if what.startswith(start) and what.endswith(end)]
        if len(rows) != 1:
            sys.exit(f"{self._folder}: {len(rows)} rows of ours for {start!r} {end}; run benchmarks/run.py first")
        return rows[0].seconds, rows[0].gigabytes


def measure_sizes() -> Sizes:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        paths = write_samples(folder, KINDS["pair"].samples, SHORT)
        average_samples(paths, [1.0] * len(paths), folder / "mean.bw")
        values = predicted(0)[-2 * SHORT : -SHORT]
        write_coverage(folder / "predicted.bw", {CHROM: SHORT}, [values])
        sample, mean, prediction = (
            np.mean([path.stat().st_size for path in group]) / SHORT
            for group in (paths, [folder / "mean.bw"], [folder / "predicted.bw"])
        )
    return Sizes(float(sample), float(mean), float(prediction))


def per_gigabase(seconds: float) -> str:
    """Seconds for a chromosome of `LENGTH` bases, converted to seconds per billion bases."""
    return f"{seconds / LENGTH * 1e9:,.0f} s"


def stages(measured: Measured, sizes: Sizes) -> Iterator[Stage]:
    """The measured stages, in the order of the run."""
    larger = BASES / LENGTH
    plan, plan_gb = measured("plan of")
    yield Stage("(plan)", f"{plan:.0f} s", 1, plan, plan, plan_gb)

    check, check_gb = measured("check of one sample")
    seconds = check * larger
    longest = seconds * max(len(kind.strands) for kind in KINDS.values())
    samples = sum(kind.cell_types * kind.samples for kind in KINDS.values())
    rate = f"{per_gigabase(check)} per file and Gb"
    yield Stage(
        "check_sample: reading only",
        rate,
        samples,
        FILES * seconds,
        longest,
        check_gb,
        FILES * BASES * sizes.sample / 1e9,
    )

    # The cost of a mean is linear in the number of samples: a line through the means of 4 and of 16.
    (four, _), (sixteen, _) = (measured(f"scale, average {number},") for number in (4, 16))
    written, written_gb = measured(f"predicted track written, {CHR1} Mb")
    _, mean_gb = measured(f"mean of 4, {CHR1} Mb")
    each = (sixteen - four) / 12
    rate = f"{per_gigabase(four - 4 * each)} plus {per_gigabase(each)} per sample, per Gb"

    def means(rule: str, numbers: Iterable[int], gigabytes: float, disk: float | None) -> Stage:
        costs = [(four + each * (number - 4)) * larger for number in numbers]
        return Stage(rule, rate, len(costs), sum(costs), max(costs), gigabytes, disk)

    tracks = [kind.samples for kind in KINDS.values() for _ in range(kind.tracks)]
    yield means("average_track", tracks, mean_gb, TRACKS * BASES * sizes.mean / 1e9)
    yield means("average_half", [half for n in tracks for half in (n // 2, n - n // 2)], mean_gb, None)
    strands = [strand for kind in KINDS.values() for strand in kind.strands]
    same = [sum(k.cell_types for k in KINDS.values() if strand in k.strands) for strand in dict.fromkeys(strands)]
    # With so many cell types, neighbouring bases rarely have the same mean: size and memory of a predicted track.
    disk = len(same) * BASES * sizes.prediction / 1e9
    yield means("average_cell_types (far beyond the 16 measured)", same, written_gb, disk)

    window, window_gb = (value / number for value, number in zip(measured("1,000 windows"), (1000, 1), strict=True))
    seen = EPOCHS * BASES / STEP
    rate = f"{1 / window:.0f} windows per second"
    yield Stage(
        "train_model: reading windows only",
        rate,
        MODELS,
        MODELS * seen * window,
        seen * window,
        window_gb,
        beside=True,
    )

    seconds = written * BASES / (CHR1 * 1e6)
    disk = TRACKS * BASES * sizes.prediction / 1e9
    rate = f"{written / CHR1 * 1000:,.0f} s per track and Gb"
    yield Stage("gather_prediction", rate, TRACKS, TRACKS * seconds, seconds, written_gb, disk)

    for kind, number, jobs in (("observed", 4, 3 * TRACKS), ("predicted", 2, TRACKS)):
        genes, genes_gb = measured("gene x track matrix", f"{number} {kind} tracks")
        seconds = genes / number * larger
        rate = f"{per_gigabase(genes / number)} per track and Gb"
        what = "means, halves" if kind == "observed" else "predictions"
        yield Stage(f"sum_genes ({what})", rate, jobs, jobs * seconds, seconds, genes_gb)

    bases, bases_gb = measured("base-level scores")
    seconds, jobs = bases / 2 * larger, 4 * TRACKS
    rate = f"{per_gigabase(bases / 2)} per pair of tracks and Gb"
    yield Stage("compare_bases", rate, jobs, jobs * seconds, seconds, bases_gb)


def cells(stage: Stage) -> list[str]:
    hours = [f"{stage.wall(cores) / 3600:,.1f}" for cores in CORES]
    disk = "" if stage.disk is None else f"{stage.disk:,.0f}"
    total = f"{stage.seconds / 3600:,.1f}"
    return [stage.rule, f"{stage.jobs:,}", stage.rate, total, *hours, f"{stage.gigabytes:.2f}", disk]


def page(found: list[Stage], sizes: Sizes) -> str:
    added = [stage for stage in found if not stage.beside]
    core_hours = sum(stage.seconds for stage in added) / 3600
    walls = [sum(stage.wall(cores) for stage in added) / 3600 for cores in CORES]
    disk = sum(stage.disk for stage in added if stage.disk is not None)
    header = ["stage", "jobs", "measured here", "core-hours", *(f"hours, {n} cores" for n in CORES)]
    header += ["GB per job", "GB on disk"]
    largest = f"{max(stage.gigabytes for stage in added):.2f}"
    total = ["all but reading for training", "", "", f"{core_hours:,.0f}", *(f"{wall:,.0f}" for wall in walls), largest]
    table = [header, ["---"] * len(header), *map(cells, found), [*total, f"{disk:,.0f}"]]
    lines = [
        f"# Projected cost of {TRACKS} tracks on chr1-22",
        "",
        "Made by `python benchmarks/projection.py` from the results of `make bench`. **A projection, not a run:**",
        f"rates on chromosomes of {LENGTH / 1e6:.0f} Mb ({CHR1} for `gather_prediction`) are multiplied by {BASES:,}",
        f"bases, {TRACKS} tracks, {FILES:,} sample files and {MODELS} models of one cell type each. The tracks are the",
        "published ones. Their numbers of samples were not published; three per ENCODE cell type and ten per GTEx",
        "tissue are assumed.",
        "It is also assumed that jobs keep their cores busy and that disks are fast enough.",
        "",
        *("| " + " | ".join(row) + " |" for row in table),
        "",
        f"A base takes {sizes.sample:.2g} bytes in the file of a sample (simulated), {sizes.mean:.2g} in a mean and",
        f"{sizes.prediction:.2g} in a prediction (simulated with noise that compresses badly; 3.4 to 3.8 in the demo).",
        f"Memory is that of one job: on {CHR1} Mb if it writes a bigWig, otherwise on {LENGTH / 1e6:.0f} Mb, read in",
        "blocks. 16 jobs at once take 16 times as much. For `average_cell_types`, the disk space and memory of a",
        "predicted track and one process are assumed; its rule requests up to 8. The files of `average_half` are",
        "temporary; until the last job that reads them has ended, they take twice the space of `average_track`'s.",
        "",
        "- **Training and prediction** are not measured here, because there was no GPU. The model's authors state",
        "  that training used 64 H100 GPUs (published, not ours), but not for how many hours. Reading for training is",
        "  in the table; its cores work at the same time as the GPUs.",
        "- **Not measured:** downloads; the MD5 and strand checks in `check_sample`; `bin_sample`,",
        "  `compare_samples`, `profile_seams`, tables, scores and figures;",
        "  parts of predictions, which take 4 bytes per base and track until they are gathered.",
        "",
        *machine(),
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, default=REPOSITORY / "results/benchmarks", help="folder that run.py wrote")
    measured = Measured(parser.parse_args().json)
    sizes = measure_sizes()
    sys.stdout.write(page(list(stages(measured, sizes)), sizes))


if __name__ == "__main__":
    main()
