"""Base-level evaluation of a 50 Mb chromosome with four tracks: ours, NumPy on whole arrays, and deepTools.

The tracks are two pairs of observed (1.25 million intervals each) and predicted signal (a value at every base).
Each way runs in a process of its own, which reports its seconds and its peak memory. Ours gives scores by region
class, intervals, a rank correlation and the table of blocks; the whole arrays give the same scores without
intervals; deepTools (`multiBigwigSummary bins` and `plotCorrelation`, one process) gives the raw correlations
alone, in bins of 10 kb, its default, and of 1 base, on 100 kb and multiplied up.

    python benchmarks/base_scores.py [--length 50000000] [--folder FOLDER]
"""

import argparse
import json
import multiprocessing
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pyBigWig
import pyfaidx
from scipy import stats

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY / "workflow_scripts"))

from rnatracks.basescores import BaseScoring, write_sums  # noqa: E402
from rnatracks.bigwig import Coverage, write_coverage  # noqa: E402
from rnatracks.comparison import CountedBases, compare, write_sample  # noqa: E402
from rnatracks.genome import Genome, chromosome_lengths  # noqa: E402
from rnatracks.regions import CODES, RegionClass, RegionClasses  # noqa: E402
from rnatracks.terms import Split, Strand, Track  # noqa: E402
from rnatracks.transforms import round_significant, squash  # noqa: E402

PAIRS = ("a", "b")
MEAN = 0.1
SLICE_START, SLICE = 10_000_000, 100_000


def make_data(folder: Path, length: int) -> None:
    """A chromosome with N at both ends, genes, and four tracks."""
    rng = np.random.default_rng(0)
    bases = rng.choice(np.frombuffer(b"ACGT", np.uint8), length)
    bases[: length // 50] = bases[-length // 500 :] = ord("N")
    with (folder / "genome.fa").open("wb") as file:
        file.write(b">chr1\n")
        for start in range(0, length, 100):
            file.write(bases[start : start + 100].tobytes() + b"\n")
    pyfaidx.Faidx(str(folder / "genome.fa")).close()
    starts = np.sort(rng.integers(0, length - 60_000, length // 50_000))
    genes = pd.DataFrame({"chrom": "chr1", "start": starts, "end": starts + 30_000, "strand": "+"})
    exons = genes.loc[genes.index.repeat(10)].reset_index(drop=True)
    exons["start"] += rng.integers(0, 29_000, len(exons))
    exons["end"] = exons["start"] + rng.integers(50, 900, len(exons))
    genes.to_csv(folder / "genes.tsv", sep="\t", index=False)
    exons.to_csv(folder / "exons.tsv", sep="\t", index=False)
    for name in PAIRS:
        bounds = np.sort(rng.choice(length - 1, length // 40 - 1, replace=False)) + 1
        level = rng.lognormal(-2, 2, len(bounds) + 1) * (rng.random(len(bounds) + 1) < 0.7)
        observed = np.repeat(level, np.diff([0, *bounds, length])).astype(np.float32)
        write_coverage(folder / f"{name}.observed.bw", {"chr1": length}, [observed])
        predicted = observed * rng.lognormal(0, 0.7, length) + rng.lognormal(-4, 1, length)
        write_coverage(folder / f"{name}.predicted.bw", {"chr1": length}, [round_significant(predicted, 4)])


def classes(folder: Path) -> RegionClasses:
    genes, exons = (pd.read_csv(folder / f"{name}.tsv", sep="\t") for name in ("genes", "exons"))
    return RegionClasses(genes, exons, Strand.PLUS)


def ours(folder: Path) -> dict[str, float]:
    """Stream both pairs, write what the workflow writes, and score."""
    counted = CountedBases(Genome(folder / "genome.fa"), classes(folder))
    scoring, scores = BaseScoring(splits={"chr1": Split.TEST}, resamples=1000, seed=0), {}
    for name in PAIRS:
        with Coverage(folder / f"{name}.observed.bw") as x, Coverage(folder / f"{name}.predicted.bw") as y:
            settings = {"nonzero_mean": MEAN, "block_size": 1_000_000, "sample_bases": 1_000_000, "seed": 0}
            comparison = compare(x, y, counted, ["chr1"], **settings)
        write_sums(comparison.sums, folder / f"{name}.tsv.gz")
        write_sample(comparison.sample, folder / f"{name}.npz")
        for row in scoring.rows("model", Track(name, Strand.PLUS), comparison.sums, comparison.sample):
            if row["split"] == Split.ALL:
                columns = ("pearson", "pearson_log1p", "mse_squashed")
                scores |= {f"{name} {row['region']} {column}": float(row[column]) for column in columns}
    return scores


def whole_arrays(folder: Path) -> dict[str, float]:
    """The same scores from whole arrays in float64."""
    sequence = pyfaidx.Fasta(str(folder / "genome.fa"), as_raw=True)["chr1"][:]
    known = np.frombuffer(sequence.encode(), np.uint8) != ord("N")
    codes = classes(folder).codes("chr1", 0, len(known))[known]
    sampled, scores = np.random.default_rng(0).random(len(codes)) < 1_000_000 / len(known), {}
    for name in PAIRS:
        x, y = (read_whole(folder / f"{name}.{side}.bw")[known] for side in ("observed", "predicted"))
        stats.spearmanr(x[sampled], y[sampled])
        logged, squashed = [np.log1p(side) for side in (x, y)], [squash(side, MEAN) for side in (x, y)]
        for region in (RegionClass.ALL, *CODES):
            here = slice(None) if region is RegionClass.ALL else codes == CODES.index(region)
            scores |= {
                f"{name} {region} pearson": float(np.corrcoef(x[here], y[here])[0, 1]),
                f"{name} {region} pearson_log1p": float(np.corrcoef(*(side[here] for side in logged))[0, 1]),
                f"{name} {region} mse_squashed": float(np.mean((squashed[0][here] - squashed[1][here]) ** 2)),
            }
    return scores


def read_whole(path: Path) -> np.ndarray:
    with pyBigWig.open(str(path)) as file:
        return file.values("chr1", 0, file.chroms("chr1"), numpy=True).astype(np.float64)


def deeptools(folder: Path, bin_size: int, region: list[str]) -> dict[str, float]:
    """Raw Pearson correlations of binned means."""
    tools, names = (
        Path(sys.executable).parent,
        [f"{name}.{side}" for name in PAIRS for side in ("observed", "predicted")],
    )
    matrix = folder / f"correlation.{bin_size}.tsv"
    summary = [*("multiBigwigSummary", "bins", "-bs", str(bin_size), "-p", "1", *region, "-o", folder / "bins.npz")]
    plot = ["plotCorrelation", "-in", folder / "bins.npz", "-c", "pearson", "-p", "heatmap", "-o", folder / "heat.svg"]
    for command in (
        [*summary, "--labels", *names, "-b", *(folder / f"{name}.bw" for name in names)],
        [*plot, "--outFileCorMatrix", matrix],
    ):
        subprocess.run([tools / command[0], *map(str, command[1:])], check=True, stdout=subprocess.DEVNULL)
    table = pd.read_csv(matrix, sep="\t", comment="#", index_col=0, quotechar="'")
    return {name: float(table.loc[f"{name}.observed", f"{name}.predicted"]) for name in PAIRS}


WAYS = {
    "ours": ours,
    "whole arrays": whole_arrays,
    "deepTools, 10 kb": lambda folder: deeptools(folder, 10_000, []),
    "deepTools, 1 base": lambda folder: deeptools(folder, 1, ["-r", f"chr1:{SLICE_START}:{SLICE_START + SLICE}"]),
}


def measure(way: str, folder: Path) -> tuple[float, float, dict[str, float]]:
    """Seconds, peak GB and results of one way, run in a process of its own."""
    command = [sys.executable, __file__, "--folder", str(folder), "--way", way]
    began = time.perf_counter()
    run = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    seconds = time.perf_counter() - began
    peak, results = json.loads(run.stdout.splitlines()[-1])
    return seconds, peak, results


def report_one(way: str, folder: Path) -> None:
    results = WAYS[way](folder)
    peaks = [resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    sys.stdout.write(json.dumps([max(peaks) / 1e6, results]) + "\n")


def table(folder: Path) -> str:
    """Measure every way, check that they agree, and lay it out."""
    length = chromosome_lengths(folder / "genome.fa")["chr1"]
    measured = {way: measure(way, folder) for way in WAYS}
    lines = ["| way | seconds | peak memory |", "| --- | --- | --- |"]
    for way, (seconds, peak, _) in measured.items():
        shown = f"{seconds:.0f}"
        if way == "deepTools, 1 base":
            shown += f" for {SLICE:,} bases, {seconds * length / SLICE:,.0f} for all at that rate"
        lines.append(f"| {way} | {shown} | {peak:.2f} GB |")
    mine, arrays, binned = (measured[way][2] for way in ("ours", "whole arrays", "deepTools, 1 base"))
    furthest = max(abs(mine[key] - value) for key, value in arrays.items())
    part = slice(SLICE_START, SLICE_START + SLICE)
    pairs = {
        name: [read_whole(folder / f"{name}.{side}.bw")[part] for side in ("observed", "predicted")] for name in PAIRS
    }
    apart = max(abs(binned[name] - np.corrcoef(*pair)[0, 1]) for name, pair in pairs.items())
    return "\n".join(
        [
            *lines,
            f"Ours and the whole arrays differ by {furthest:.1e} at most, over {len(arrays)} scores.",
            f"The whole arrays and deepTools differ by {apart:.1e} at most there (it writes 4 digits).",
            "",
        ]
    )


def main() -> None:
    """Make the data unless FOLDER has them, and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--length", type=int, default=50_000_000)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.way:
        report_one(options.way, options.folder)
        return
    with tempfile.TemporaryDirectory() as name:
        folder = options.folder or Path(name)
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / "b.predicted.bw").exists():
            # A process of its own: a child's peak memory begins with that of the process that starts it.
            making = multiprocessing.get_context("spawn").Process(target=make_data, args=(folder, options.length))
            making.start()
            making.join()
            if making.exitcode:
                sys.exit(f"the data could not be made: exit code {making.exitcode}")
        sys.stdout.write(table(folder))


if __name__ == "__main__":
    main()
