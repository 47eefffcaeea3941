"""Score the predicted effects of the simulated changes against the planted ones."""

import sys

sys.path.insert(0, snakemake.scriptdir)  # takes precedence over an installed rnatracks

from pathlib import Path

from rnatracks.evaluation.tables import write_scores
from rnatracks.log import open_log
from rnatracks.samples.planted_effects import read_planted_effects
from rnatracks.tracks.expression import read_matrix
from rnatracks.variants.planted_scores import PLANTED_SCORE_COLUMNS, planted_pairs, planted_rows, read_gene_effects

open_log(snakemake.log[0])
effects = read_planted_effects(Path(snakemake.input.effects))
observed, rows = read_matrix(Path(snakemake.input.observed)), []
for model, path in zip(snakemake.params.models, snakemake.input.variants, strict=True):
    pairs = planted_pairs(read_gene_effects(Path(path)), effects, observed, snakemake.params.pseudocount)
    rows += planted_rows(model, pairs)
write_scores(rows, PLANTED_SCORE_COLUMNS, Path(snakemake.output[0]))
