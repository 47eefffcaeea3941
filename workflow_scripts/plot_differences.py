"""Predicted against observed differences in expression between two cell types, on one strand."""

import sys

sys.path.insert(0, snakemake.scriptdir)  # takes precedence over an installed rnatracks

from pathlib import Path

import pandas as pd

from rnatracks.config.settings import Settings
from rnatracks.evaluation.differential import Pair, log2_ratios
from rnatracks.figures.scatters import difference_scatter
from rnatracks.figures.style import write_svg
from rnatracks.genome.tables import on_strand, read_genes
from rnatracks.log import open_log
from rnatracks.tracks.expression import read_means, select_gene_types
from rnatracks.vocabulary import Track

open_log(snakemake.log[0])
pair = Pair(snakemake.wildcards.family, *map(Track.parse, snakemake.params.tracks))
settings = Settings.of(snakemake.config)
genes = on_strand(select_gene_types(read_genes(Path(snakemake.input.genes)), settings.genes.types), pair.first.strand)
genes = genes.set_index("gene_id")


def ratios(paths):
    means = {str(track): read_means(Path(path)) for track, path in zip((pair.first, pair.second), paths, strict=True)}
    return log2_ratios(pair, pd.DataFrame(means).loc[genes.index], snakemake.params.pseudocount)


figure = difference_scatter(
    ratios(snakemake.input.observed),
    ratios(snakemake.input.predicted),
    genes["chrom"].map(settings.splits),
    genes["gene_name"],
    (pair.first.cell_type, pair.second.cell_type),
    f"{pair.family}, {pair.first.strand} strand",
)
write_svg(figure, Path(snakemake.output[0]))
