"""Base-level scores of every model and track, beside their ceilings and baselines, by split and region class."""

import sys

sys.path.insert(0, snakemake.scriptdir)  # before any rnatracks that is installed

from pathlib import Path

from rnatracks.config.settings import chromosome_splits
from rnatracks.evaluation.base_scores import CHROMOSOME_COLUMNS, BaseScoring, beside, read_sums
from rnatracks.evaluation.base_sums import read_sample
from rnatracks.evaluation.not_computed import REASON_COLUMNS, one_donor, reasons, track_reasons
from rnatracks.evaluation.references import baseline_columns, with_baselines
from rnatracks.evaluation.tables import BASE_COLUMNS, write_scores
from rnatracks.log import open_log
from rnatracks.vocabulary import Track

REFERENCES = {"replicate_ceiling": "halves", "other_cell_type": "other_cell_type", "mean_of_others": "mean_of_others"}

open_log(snakemake.log[0])
files, params = snakemake.input, snakemake.params
scoring = BaseScoring(splits=chromosome_splits(snakemake.config), resamples=params.resamples, seed=params.seed)
references = {}
for column, comparison in REFERENCES.items():
    for path in files[comparison]:
        track = Track.parse(Path(path).name.removesuffix(".tsv.gz"))
        references.setdefault(track, {})[column] = scoring.correlations(read_sums(Path(path)))
rows, chromosomes = [], []
for (model, name), sums_path, sample_path in zip(params.tracks, files.predicted, files.samples, strict=True):
    track, sums = Track.parse(name), read_sums(Path(sums_path))
    for row in scoring.rows(model, track, sums, read_sample(Path(sample_path))):
        rows.append(row | beside(row, references.get(track, {}), params.half_sizes[track.cell_type]))
    chromosomes += scoring.chromosome_rows(model, track, sums)
rows = with_baselines(rows, params.families, params.baselines)

columns = [*BASE_COLUMNS, *baseline_columns(params.baselines)]
tracks = dict.fromkeys(Track.parse(name) for _, name in params.tracks)
known = {
    (track.cell_type, str(track.strand)): track_reasons(
        samples=sum(params.half_sizes[track.cell_type]),
        same_strand=params.same_strand[str(track.strand)],
        other="other_cell_type" in references.get(track, {}),
        block_size=params.block_size,
    )
    for track in tracks
}
empty = reasons("base_resolution", rows, columns, known)
empty += [one_donor("base_resolution", track) for track in tracks if track.cell_type in params.one_donor]

write_scores(rows, columns, Path(snakemake.output.scores))
write_scores(chromosomes, CHROMOSOME_COLUMNS, Path(snakemake.output.chromosomes))
write_scores(empty, REASON_COLUMNS, Path(snakemake.output.not_computed))
