"""Predicted against planted effects of the simulated changes."""

import sys

sys.path.insert(0, snakemake.scriptdir)  # takes precedence over an installed rnatracks

from pathlib import Path

from rnatracks.figures.planted import planted_scatter
from rnatracks.figures.style import write_svg
from rnatracks.genome.tables import read_genes
from rnatracks.log import open_log
from rnatracks.samples.planted_effects import read_planted_effects
from rnatracks.tracks.expression import read_means
from rnatracks.variants.planted_scores import planted_pairs, read_gene_effects

open_log(snakemake.log[0])
files, params = snakemake.input, snakemake.params
tracks = zip(params.tracks, files.observed, strict=True)
observed = read_genes(Path(files.genes)).set_index("gene_id")
observed = observed.assign(**{track: read_means(Path(path)) for track, path in tracks})
effects = read_planted_effects(Path(files.effects))
pairs = planted_pairs(read_gene_effects(Path(files.variants)), effects, observed, params.pseudocount)
write_svg(planted_scatter(pairs, snakemake.wildcards.model), Path(snakemake.output[0]))
