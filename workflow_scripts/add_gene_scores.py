"""Put the held-out gene scores of a model into a table of its effects."""

import sys

sys.path.insert(0, snakemake.scriptdir)  # takes precedence over an installed rnatracks

from pathlib import Path

from rnatracks.log import open_log
from rnatracks.variants.held_out import add_gene_scores, held_out_gene_scores

open_log(snakemake.log[0])
scores = held_out_gene_scores(Path(snakemake.input.scores), snakemake.wildcards.model)
add_gene_scores(Path(snakemake.input.effects), scores, Path(snakemake.output[0]))
