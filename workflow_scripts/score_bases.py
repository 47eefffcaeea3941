"""Base-level scores of every model and track, by split."""

from pathlib import Path

import pandas as pd

from rnatracks.jobs import open_log
from rnatracks.metrics import BASE_COLUMNS, base_rows, write_scores
from rnatracks.terms import Split, Track

open_log(snakemake.log[0])
splits = {chrom: Split(split) for chrom, split in snakemake.params.splits.items()}
rows = []
for (model, track), path in zip(snakemake.params.tracks, snakemake.input, strict=True):
    moments = pd.read_csv(path, sep="\t", dtype={"chrom": str})
    rows += base_rows(model, Track.parse(track), moments, splits)
write_scores(rows, BASE_COLUMNS, Path(snakemake.output[0]))
