"""Held-out scores and seams of the five ways to stitch overlapping tiles, with trained demo models.

    python benchmarks/stitching.py RESULTS MODEL [MODEL ...]     # such as results/demo small-amber

RESULTS is the folder of a finished run. Prints a table; `docs/stitching.md` shows those of two runs.
"""

import argparse
import itertools
import sys
from pathlib import Path

import numpy as np

from rnatracks.correlation import Moments
from rnatracks.genome.sequence import Genome
from rnatracks.genome.windows import read_windows, tile_starts
from rnatracks.model.folder import load_model
from rnatracks.model.network import CoverageModel
from rnatracks.prediction.predict import Precision, TilePlan, predict_region, track_views
from rnatracks.prediction.stitching import Stitch, View
from rnatracks.tracks.bigwig import Coverage
from rnatracks.vocabulary import Split


def seams(mode: Stitch, views: list[View], starts: list[int], size: int, length: int) -> np.ndarray:
    """Bases whose value comes from different tiles than that of the previous base."""
    if mode is Stitch.CENTER or (mode is Stitch.CONTEXT and set(views) == {View.BOTH}):
        places = [(first + second + size) // 2 for first, second in itertools.pairwise(starts)]
    else:
        places = [*starts, *(start + size for start in starts)]
    return np.array(sorted({place for place in places if 0 < place < length}))


def predict(model: CoverageModel, genome: Genome, chrom: str, tiles: TilePlan) -> np.ndarray:
    """log1p of the predicted coverage of a whole chromosome, `[track, length]`."""
    stretches = predict_region(
        [model],
        genome,
        chrom,
        0,
        genome.lengths[chrom],
        tiles=tiles,
        precision=Precision(bf16=False, digits=None),
        batch_size=8,
    )
    return np.log1p(np.concatenate([values for _, values in stretches], axis=1), dtype=np.float64)


def main() -> None:
    """Predict with each mode and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path)
    parser.add_argument("models", nargs="+")
    options = parser.parse_args()
    genome, windows = (
        Genome(options.results / "reference/genome.fa"),
        read_windows(options.results / "windows/windows.bed.gz"),
    )
    chroms = list(dict.fromkeys(windows.loc[windows["split"] == Split.TEST, "chrom"]))
    lines = ["| model | stitch | score | seam |", "| --- | --- | --- | --- |"]
    for name in options.models:
        model = load_model(options.results / "models" / name, "cpu")
        size = model.config.window_size
        tracks = [Coverage(options.results / f"tracks/observed/{track}.bw") for track in model.config.tracks]
        for mode in Stitch:
            moments, at, elsewhere = Moments(), [], []
            for chrom in chroms:
                length = genome.lengths[chrom]
                predicted = predict(model, genome, chrom, TilePlan(size=size, overlap=size // 2, stitch=mode))
                for row, track in zip(predicted, tracks, strict=True):
                    moments += Moments.of(np.log1p(track.values(chrom, 0, length), dtype=np.float64), row)
                steps = np.abs(np.diff(predicted, axis=1))
                places = np.zeros(length - 1, bool)
                places[seams(mode, track_views(model), tile_starts(length, size, size // 2), size, length) - 1] = True
                at.append(steps[:, places].ravel())
                elsewhere.append(steps[:, ~places].ravel())
            seam = np.concatenate(at).mean() / np.concatenate(elsewhere).mean()
            lines.append(f"| {name} | {mode} | {moments.pearson:.4f} | {seam:.2f} |")
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
