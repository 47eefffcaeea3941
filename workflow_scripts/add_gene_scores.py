"""Put the held-out gene scores of a model into a table of its effects."""

import sys

sys.path.insert(0, snakemake.scriptdir)  # takes precedence over an installed rnatracks

from pathlib import Path

from rnatracks.genome.tables import read_genes
from rnatracks.log import open_log
from rnatracks.tracks.expression import select_gene_types
from rnatracks.variants.held_out import add_gene_scores, score_held_out_genes

open_log(snakemake.log[0])
files, params = snakemake.input, snakemake.params
genes = select_gene_types(read_genes(Path(files.genes)), params.gene_types)
scores = score_held_out_genes(genes, params.held_out, params.tracks, files.observed, files.predicted)
add_gene_scores(Path(files.effects), scores, Path(snakemake.output[0]))
