"""Scores of gene bodies of every model and track, by split and by chromosome."""

import sys

sys.path.insert(0, snakemake.scriptdir)  # takes precedence over an installed rnatracks

from pathlib import Path

from rnatracks.config.settings import Settings
from rnatracks.evaluation.gene_bodies import gene_body_rows
from rnatracks.evaluation.scored_tracks import model_track
from rnatracks.evaluation.tables import GENE_BODY_SCORE_COLUMNS, write_scores
from rnatracks.genome.tables import read_genes
from rnatracks.log import open_log

open_log(snakemake.log[0])
rows = gene_body_rows(
    [model_track(*each) for each in snakemake.params.tracks],
    Settings.of(snakemake.config).splits,
    read_genes(Path(snakemake.input.genes)).set_index("gene_id")["chrom"],
    [Path(path) for path in snakemake.input.observed],
    [Path(path) for path in snakemake.input.predicted],
)
write_scores(rows, GENE_BODY_SCORE_COLUMNS, Path(snakemake.output[0]))
