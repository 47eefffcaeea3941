"""Predicted against observed expression of one track, over the genes of its strand."""

from pathlib import Path

from rnatracks.expression import read_matrix, select_gene_types
from rnatracks.figures import gene_scatter, write_svg
from rnatracks.jobs import open_log
from rnatracks.terms import Strand

open_log(snakemake.log[0])
observed, predicted = (
    select_gene_types(read_matrix(Path(path)), snakemake.params.gene_types)
    for path in (snakemake.input.observed, snakemake.input.predicted)
)
strand = Strand(snakemake.wildcards.strand)
genes = observed.index[observed["strand"].map(strand.holds)]
track = f"{snakemake.wildcards.cell_type}.{strand}"
figure = gene_scatter(
    observed.loc[genes, track],
    predicted.loc[genes, track],
    observed.loc[genes, "chrom"].map(snakemake.params.splits),
    f"{snakemake.wildcards.cell_type} {strand}, {snakemake.wildcards.model}",
)
write_svg(figure, Path(snakemake.output[0]))
