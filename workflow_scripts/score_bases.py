"""Base-level scores of every model and track, by split."""

import pandas as pd

from rnatracks.jobs import open_log
from rnatracks.metrics import BASE_COLUMNS, base_rows, score_table
from rnatracks.terms import Split, Track

open_log(snakemake.log[0])
splits = {chrom: Split(split) for chrom, split in snakemake.params.splits.items()}
rows = []
for (model, track), path in zip(snakemake.params.tracks, snakemake.input, strict=True):
    moments = pd.read_csv(path, sep="\t", dtype={"chrom": str})
    rows += base_rows(model, Track.parse(track), moments, splits)
score_table(rows, BASE_COLUMNS).to_csv(snakemake.output[0], sep="\t", index=False, float_format="%.6g")
