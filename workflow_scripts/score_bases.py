"""Base-level scores of every model and track, beside their ceilings and baselines, by split and region class."""

import json
from collections import Counter
from pathlib import Path

from rnatracks.basescores import CHROMOSOME_COLUMNS, BaseScoring, beside, read_sums
from rnatracks.comparison import read_sample
from rnatracks.context import baseline_columns, with_baselines
from rnatracks.jobs import open_log
from rnatracks.notcomputed import REASON_COLUMNS, reasons
from rnatracks.scoretables import BASE_COLUMNS, write_scores
from rnatracks.terms import Split, Track

REFERENCES = {"replicate_ceiling": "halves", "other_cell_type": "other_cell_type", "mean_of_others": "mean_of_others"}

open_log(snakemake.log[0])
files, params = snakemake.input, snakemake.params
scoring = BaseScoring(
    splits={chrom: Split(split) for chrom, split in params.splits.items()},
    resamples=params.resamples,
    seed=params.seed,
)
references = {}
for column, comparison in REFERENCES.items():
    for path in files[comparison]:
        track = Track.parse(Path(path).name.removesuffix(".tsv.gz"))
        references.setdefault(track, {})[column] = scoring.correlations(read_sums(Path(path)))
rows, chromosomes = [], []
for (model, name), sums_path, sample_path in zip(params.tracks, files.predicted, files.samples, strict=True):
    track, sums = Track.parse(name), read_sums(Path(sums_path))
    for row in scoring.rows(model, track, sums, read_sample(Path(sample_path))):
        rows.append(row | beside(row, references.get(track, {})))
    chromosomes += scoring.chromosome_rows(model, track, sums)
rows = with_baselines(rows, params.families, params.baselines)

statistics = {record["track"]: record for record in (json.loads(Path(path).read_text()) for path in files.statistics)}
same_strand = Counter(Track.parse(name).strand for name in statistics)
empty = []
for track in dict.fromkeys(Track.parse(name) for _, name in params.tracks):
    empty += reasons(
        track,
        [row for row in rows if (row["cell_type"], row["strand"]) == (track.cell_type, str(track.strand))],
        references.get(track, {}),
        samples=statistics[str(track)]["samples"],
        same_strand=same_strand[track.strand],
        block_size=params.block_size,
        baselines=params.baselines,
    )
write_scores(rows, [*BASE_COLUMNS, *baseline_columns(params.baselines)], Path(snakemake.output.scores))
write_scores(chromosomes, CHROMOSOME_COLUMNS, Path(snakemake.output.chromosomes))
write_scores(empty, REASON_COLUMNS, Path(snakemake.output.not_computed))
