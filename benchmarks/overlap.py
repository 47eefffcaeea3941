"""Less overlap in prediction: speed, held-out score and seams, with the models of a finished demo.

    python benchmarks/overlap.py results/demo small-amber small-indigo unet

Writes `docs/overlap.md`.
"""

import argparse
import sys
import time
from pathlib import Path

import numpy as np
from harness import REPOSITORY
from stitching import predict, seams

from rnatracks.correlation import Moments
from rnatracks.genome.sequence import Genome
from rnatracks.genome.windows import read_windows, tile_starts
from rnatracks.model.folder import load_model
from rnatracks.prediction.predict import TilePlan, track_views
from rnatracks.prediction.stitching import Stitch
from rnatracks.tracks.bigwig import Coverage
from rnatracks.vocabulary import Split

SHARES = (0.5, 0.25, 0.125, 0)
TEXT = """# Less overlap in prediction

This page shows what `prediction.overlap` costs in accuracy and saves in time.

Made by

```bash
python benchmarks/overlap.py {arguments}
```

on {bases:,} held-out bases of {chroms} of the demo, in windows of {size:,} bases, stitched by `blend`.

- `overlap` is the share of a window that it has in common with the next. With 0.5, the published value and the default,
  every base is computed twice.
- `windows` is the number of windows that are computed, and `time` the time taken, both relative to 0.5.
- `score` is `pearson_log1p` over all tracks together. `seam` measures jumps between windows: the mean change of
  predicted log(1 + coverage) where the set of windows changes, divided by the mean change elsewhere; 1 is seamless.

The demo's windows have 512 bases: a window of 32,000 bases has 60 times fewer edges per base. What an edge costs a
model of that size was not measured.

{table}
"""


def main() -> None:
    """Predict with each overlap, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path)
    parser.add_argument("models", nargs="+")
    options = parser.parse_args()
    genome = Genome(options.results / "reference/genome.fa")
    windows = read_windows(options.results / "windows/windows.bed.gz")
    chroms = list(dict.fromkeys(windows.loc[windows["split"] == Split.TEST, "chrom"]))
    lines = ["| model | overlap | windows | time | score | seam |", "| --- | --- | --- | --- | --- | --- |"]
    for name in options.models:
        model = load_model(options.results / "models" / name, "cpu")
        size = model.config.window_size
        tracks = [Coverage(options.results / f"tracks/observed/{track}.bw") for track in model.config.tracks]
        first = None
        for share in SHARES:
            overlap = int(size * share)
            moments, at, elsewhere, seconds, count = Moments(), [], [], 0.0, 0
            for chrom in chroms:
                began = time.perf_counter()
                predicted = predict(model, genome, chrom, TilePlan(size=size, overlap=overlap, stitch=Stitch.BLEND))
                seconds += time.perf_counter() - began
                length = genome.lengths[chrom]
                starts = tile_starts(length, size, overlap)
                count += len(starts)
                for row, track in zip(predicted, tracks, strict=True):
                    moments += Moments.of(np.log1p(track.values(chrom, 0, length), dtype=np.float64), row)
                steps = np.abs(np.diff(predicted, axis=1))
                places = np.zeros(length - 1, bool)
                places[seams(Stitch.BLEND, track_views(model), starts, size, length) - 1] = True
                at.append(steps[:, places].ravel())
                elsewhere.append(steps[:, ~places].ravel())
            first = first or (count, seconds)
            seam = np.concatenate(at).mean() / np.concatenate(elsewhere).mean()
            speed = f"{count / first[0]:.2f} | {seconds / first[1]:.2f}"
            lines.append(f"| {name} | {share:g} | {speed} | {moments.pearson:.4f} | {seam:.2f} |")
    text = TEXT.format(
        arguments=" ".join([str(options.results), *options.models]),
        bases=sum(genome.lengths[chrom] for chrom in chroms),
        chroms=", ".join(chroms),
        size=size,
        table="\n".join(lines),
    )
    (REPOSITORY / "docs/overlap.md").write_text(text)
    sys.stdout.write(text)


if __name__ == "__main__":
    main()
