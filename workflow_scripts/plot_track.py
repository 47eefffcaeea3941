"""Predicted against observed signal of one track: genes, single bases, and the error by expression level."""

import sys

sys.path.insert(0, snakemake.scriptdir)  # takes precedence over an installed rnatracks

from pathlib import Path

import numpy as np

from rnatracks.config.settings import Settings
from rnatracks.evaluation.base_sums import read_base_sample
from rnatracks.figures.expression_error import error_by_level, expression_levels
from rnatracks.figures.scatters import base_hexbin, gene_scatter
from rnatracks.figures.style import track_name, write_svg
from rnatracks.genome.tables import on_strand, read_genes
from rnatracks.log import open_log
from rnatracks.tracks.expression import read_means, select_gene_types
from rnatracks.vocabulary import Strand, Track

open_log(snakemake.log[0])
track = Track(snakemake.wildcards.cell_type, Strand(snakemake.wildcards.strand))
title = f"{snakemake.wildcards.model}, {track_name(track)}"
settings = Settings.of(snakemake.config)
splits, gene_types = settings.splits, settings.genes.types

genes = select_gene_types(read_genes(Path(snakemake.input.genes)), gene_types).set_index("gene_id")
genes = on_strand(genes, track.strand)
observed = read_means(Path(snakemake.input.observed))[genes.index]
predicted = read_means(Path(snakemake.input.predicted))[genes.index]
split = genes["chrom"].map(splits)
errors = error_by_level(observed, predicted, split, snakemake.params.pseudocount)
write_svg(gene_scatter(observed, predicted, split, title), Path(snakemake.output.genes))
write_svg(expression_levels(errors, title), Path(snakemake.output.levels))

sample = read_base_sample(Path(snakemake.input.bases))
of_base = np.repeat([splits[chrom] for chrom in sample], [len(bases.observed) for bases in sample.values()])
signals = (np.concatenate(parts) for parts in zip(*((b.observed, b.predicted) for b in sample.values()), strict=True))
write_svg(base_hexbin(*signals, of_base, title), Path(snakemake.output.bases))
