"""Base-level scores of every model and track, with their ceilings and baselines, by split and region class."""

import sys

sys.path.insert(0, snakemake.scriptdir)  # takes precedence over an installed rnatracks

from pathlib import Path

from rnatracks.config.settings import Settings
from rnatracks.evaluation.base_scores import BaseScoring, score_bases
from rnatracks.evaluation.baselines import baseline_columns
from rnatracks.evaluation.scored_tracks import Scored
from rnatracks.evaluation.tables import BASE_SCORE_COLUMNS, CHROMOSOME_SCORE_COLUMNS, write_scores
from rnatracks.log import open_log

REFERENCES = {"replicate_ceiling": "halves", "other_cell_type": "other_cell_type", "mean_of_others": "mean_of_others"}

open_log(snakemake.log[0])
settings, scored = Settings.of(snakemake.config), Scored.from_plain(snakemake.params.scored)
files = {name: [Path(path) for path in paths] for name, paths in snakemake.input.items()}
rows, chromosomes = score_bases(
    scored,
    BaseScoring(splits=settings.splits, resamples=settings.evaluation.resamples, seed=settings.evaluation.seed),
    files["predicted"],
    files["samples"],
    {column: files[comparison] for column, comparison in REFERENCES.items()},
)
write_scores(rows, [*BASE_SCORE_COLUMNS, *baseline_columns(scored.baselines)], Path(snakemake.output.scores))
write_scores(chromosomes, CHROMOSOME_SCORE_COLUMNS, Path(snakemake.output.chromosomes))
