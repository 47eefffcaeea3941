"""Base-level evaluation of a 50 Mb chromosome with two pairs of an observed and a predicted track, on one core.

Ours computes scores by region class, intervals, a rank correlation and the table of blocks, and writes the files that
the workflow writes. It is compared with:

- NumPy on whole arrays in float64: the same scores, without intervals;
- SciPy's `pearsonr` on whole arrays: only the two correlations of all bases;
- deepTools (`multiBigwigSummary bins` and `plotCorrelation`, one process): only the raw correlations, in bins of 10 kb
  (its default), and of 1 base, on 100 kb and scaled up.

    python benchmarks/06_base_scores.py [--folder FOLDER] [--json FILE]
"""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyBigWig
import pyfaidx
from harness import Bench, Numbers, Result, Target, Way, main, rows
from made_tracks import CHROM, LENGTH
from mean_tracks import observed, predicted, write_genome, write_track
from scipy import stats

from rnatracks.evaluation.base_scores import BaseScoring, write_sums
from rnatracks.evaluation.base_sums import CountedBases, compare, write_base_sample
from rnatracks.genome.regions import CODES, RegionClass, RegionClassifier
from rnatracks.genome.sequence import Genome
from rnatracks.tracks.bigwig import Coverage
from rnatracks.tracks.squash import squash
from rnatracks.vocabulary import Split, Strand, Track

PAIRS, SIDES = ("a", "b"), ("observed", "predicted")
MEAN = 0.1
SLICE_START, SLICE = 10_000_000, 100_000


def make_data(folder: Path) -> None:
    """A chromosome with N at both ends, genes, and four tracks."""
    write_genome(folder / "genome.fa")
    for sample, name in enumerate(PAIRS):
        write_track(folder / f"{name}.observed.bw", observed(sample))
        write_track(folder / f"{name}.predicted.bw", predicted(sample))
    rng = np.random.default_rng(0)
    starts = np.sort(rng.integers(0, LENGTH - 60_000, LENGTH // 50_000))
    genes = pd.DataFrame({"chrom": CHROM, "start": starts, "end": starts + 30_000, "strand": "+"})
    exons = genes.loc[genes.index.repeat(10)].reset_index(drop=True)
    exons["start"] += rng.integers(0, 29_000, len(exons))
    exons["end"] = exons["start"] + rng.integers(50, 900, len(exons))
    genes.to_csv(folder / "genes.tsv", sep="\t", index=False)
    exons.to_csv(folder / "exons.tsv", sep="\t", index=False)


def classes(folder: Path) -> RegionClassifier:
    genes, exons = (pd.read_csv(folder / f"{name}.tsv", sep="\t") for name in ("genes", "exons"))
    return RegionClassifier(genes, exons, Strand.PLUS)


def ours(folder: Path) -> Numbers:
    """Stream both pairs, write the files that the workflow writes, and score; without the details that peers lack."""
    counted = CountedBases(Genome(folder / "genome.fa"), classes(folder))
    scoring, scores = BaseScoring(splits={CHROM: Split.TEST}, resamples=1000, seed=0), {}
    for name in PAIRS:
        with Coverage(folder / f"{name}.observed.bw") as x, Coverage(folder / f"{name}.predicted.bw") as y:
            settings = {"nonzero_mean": MEAN, "block_size": 1_000_000, "sample_bases": 1_000_000}
            comparison = compare(x, y, counted, [CHROM], **settings, seed=0, details=False)
        write_sums(comparison.sums, folder / f"{name}.tsv.gz")
        write_base_sample(comparison, folder / f"{name}.npz")
        found = (comparison.sums, comparison.sample, comparison.by_value)
        for row in scoring.rows("model", Track(name, Strand.PLUS), *found):
            if row["split"] == Split.ALL:
                columns = ("pearson", "pearson_log1p", "mse_squashed")
                scores |= {f"{name} {row['region']} {column}": float(row[column]) for column in columns}
    return scores


def whole_arrays(folder: Path) -> Numbers:
    """The same scores."""
    known = known_bases(folder)
    codes = classes(folder).codes(CHROM, 0, len(known))[known]
    sampled, scores = np.random.default_rng(0).random(len(codes)) < 1_000_000 / len(known), {}
    for name in PAIRS:
        x, y = (read_whole(folder / f"{name}.{side}.bw")[known] for side in SIDES)
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


def scipy(folder: Path) -> Numbers:
    """The two correlations of all bases."""
    known, scores = known_bases(folder), {}
    for name in PAIRS:
        x, y = (read_whole(folder / f"{name}.{side}.bw")[known] for side in SIDES)
        scores[f"{name} {RegionClass.ALL} pearson"] = float(stats.pearsonr(x, y).statistic)
        logged = stats.pearsonr(np.log1p(x), np.log1p(y))
        scores[f"{name} {RegionClass.ALL} pearson_log1p"] = float(logged.statistic)
    return scores


def known_bases(folder: Path) -> np.ndarray:
    sequence = pyfaidx.Fasta(str(folder / "genome.fa"), as_raw=True)[CHROM][:]
    return np.frombuffer(sequence.encode(), np.uint8) != ord("N")


def read_whole(path: Path) -> np.ndarray:
    with pyBigWig.open(str(path)) as file:
        return file.values(CHROM, 0, LENGTH, numpy=True).astype(np.float64)


def binned(folder: Path) -> Numbers:
    return deeptools(folder, 10_000, [])


def single_bases(folder: Path) -> Numbers:
    return deeptools(folder, 1, ["-r", f"{CHROM}:{SLICE_START}:{SLICE_START + SLICE}"])


def deeptools(folder: Path, bin_size: int, region: list[str]) -> Numbers:
    """Raw Pearson correlations of binned means."""
    names = [f"{name}.{side}" for name in PAIRS for side in SIDES]
    matrix = folder / f"correlation.{bin_size}.tsv"
    summary = [*("multiBigwigSummary", "bins", "-bs", str(bin_size), "-p", "1", *region, "-o", folder / "bins.npz")]
    plot = ["plotCorrelation", "-in", folder / "bins.npz", "-c", "pearson", "-p", "heatmap", "-o", folder / "heat.svg"]
    for command in (
        [*summary, "--labels", *names, "-b", *(folder / f"{name}.bw" for name in names)],
        [*plot, "--outFileCorMatrix", matrix],
    ):
        program = Path(sys.executable).parent / command[0]
        subprocess.run([program, *map(str, command[1:])], check=True, stdout=subprocess.DEVNULL)
    table = pd.read_csv(matrix, sep="\t", comment="#", index_col=0, quotechar="'")
    return {name: float(table.loc[f"{name}.observed", f"{name}.predicted"]) for name in PAIRS}


WAYS = [
    Way("ours", ours),
    Way("NumPy", whole_arrays),
    Way("SciPy", scipy),
    Way("deepTools, 10 kb", binned),
    Way("deepTools, 1 base", single_bases, share=SLICE / LENGTH, repeats=1),
]


def evaluate(bench: Bench, folder: Path) -> Result:
    measured = bench.measure()
    mine = measured["ours"].found
    furthest = max(abs(mine[key] - score) for way in ("NumPy", "SciPy") for key, score in measured[way].found.items())
    apart = max(abs(score - _in_slice(folder, name)) for name, score in measured["deepTools, 1 base"].found.items())
    if not (furthest < 1e-9 and apart < 1e-4):
        sys.exit(f"scores differ by {furthest:.1e} from whole arrays and by {apart:.1e} from deepTools at 1 base")
    time = measured["NumPy"].median / measured["ours"].median
    memory = measured["NumPy"].gigabytes / measured["ours"].gigabytes
    return Result(
        rows(6, "base-level scores, 50 Mb, 4 tracks", measured),
        [
            Target(6, "faster than NumPy on whole arrays", f"{time:.2f} times", time > 1),
            Target(6, "a tenth of NumPy's memory", f"1/{memory:.0f}", memory >= 10),
        ],
        [
            f"Over {len(mine)} scores, ours differ from NumPy's and SciPy's by at most {furthest:.1e}. Those of "
            f"deepTools at 1 base differ from NumPy's on the same bases by {apart:.1e} (deepTools writes 4 digits)."
        ],
    )


def _in_slice(folder: Path, name: str) -> float:
    part = slice(SLICE_START, SLICE_START + SLICE)
    return float(np.corrcoef(*(read_whole(folder / f"{name}.{side}.bw")[part] for side in SIDES))[0, 1])


if __name__ == "__main__":
    main(__file__, __doc__, WAYS, make_data, evaluate)
