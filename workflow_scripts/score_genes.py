"""Gene-level scores of every model and track, and of differences between cell types, by split."""

import sys

sys.path.insert(0, snakemake.scriptdir)  # takes precedence over an installed rnatracks

from pathlib import Path

from rnatracks.config.settings import Settings
from rnatracks.evaluation.baselines import baseline_columns
from rnatracks.evaluation.differential import DIFFERENT_COLUMNS, score_differences
from rnatracks.evaluation.gene_bodies import with_gene_bodies
from rnatracks.evaluation.gene_scores import GeneScoring, read_halves, score_genes
from rnatracks.evaluation.scored_tracks import Scored
from rnatracks.evaluation.tables import DIFFERENCE_SCORE_COLUMNS, GENE_SCORE_COLUMNS, read_scores, write_scores
from rnatracks.log import open_log
from rnatracks.tracks.expression import read_matrix, select_gene_types

open_log(snakemake.log[0])
settings, scored = Settings.of(snakemake.config), Scored.from_plain(snakemake.params.scored)
evaluation = settings.evaluation
scoring = GeneScoring(
    splits=settings.splits,
    block_size=evaluation.block_size,
    resamples=evaluation.resamples,
    seed=evaluation.seed,
)
observed, *predicted = (
    select_gene_types(read_matrix(Path(path)), settings.genes.types)
    for path in (snakemake.input.observed, *snakemake.input.predicted)
)
halves = read_halves([Path(path) for path in snakemake.input.halves], scored)
matrices = (observed, dict(zip(scored.families, predicted, strict=True)), halves)
differences, genes = score_differences(scored, scoring, *matrices, settings.genes.pseudocount)
baselines = baseline_columns(scored.baselines)
rows = with_gene_bodies(score_genes(scored, scoring, *matrices), read_scores(Path(snakemake.input.bodies)))
write_scores(rows, [*GENE_SCORE_COLUMNS, *baselines], Path(snakemake.output.genes))
write_scores(differences, [*DIFFERENCE_SCORE_COLUMNS, *baselines], Path(snakemake.output.differences))
write_scores(genes, DIFFERENT_COLUMNS, Path(snakemake.output.different))
