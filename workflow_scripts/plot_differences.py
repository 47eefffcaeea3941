"""Predicted against observed differences in expression between two cell types, on one strand."""

from pathlib import Path

import numpy as np

from rnatracks.annotation import read_genes
from rnatracks.expression import read_means, select_gene_types
from rnatracks.figures import write_svg
from rnatracks.jobs import open_log
from rnatracks.scatters import difference_scatter
from rnatracks.terms import Track

open_log(snakemake.log[0])
first, second = map(Track.parse, snakemake.params.tracks)
genes = select_gene_types(read_genes(Path(snakemake.input.genes)), snakemake.params.gene_types).set_index("gene_id")
genes = genes.loc[genes["strand"].map(first.strand.holds).astype(bool)]


def log2_ratio(paths):
    a, b = (read_means(Path(path))[genes.index] + snakemake.params.pseudocount for path in paths)
    return np.log2(a / b)


figure = difference_scatter(
    log2_ratio(snakemake.input.observed),
    log2_ratio(snakemake.input.predicted),
    genes["chrom"].map(snakemake.params.splits),
    genes["gene_name"],
    (first.cell_type, second.cell_type),
    f"{snakemake.wildcards.family}, {first.strand} strand",
)
write_svg(figure, Path(snakemake.output[0]))
