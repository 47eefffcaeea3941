"""Predicted against observed expression of one track, over the genes of its strand."""

from pathlib import Path

from rnatracks.annotation import read_genes
from rnatracks.expression import read_means, select_gene_types
from rnatracks.figures import gene_scatter, write_svg
from rnatracks.jobs import open_log
from rnatracks.terms import Strand

open_log(snakemake.log[0])
strand = Strand(snakemake.wildcards.strand)
genes = select_gene_types(read_genes(Path(snakemake.input.genes)), snakemake.params.gene_types).set_index("gene_id")
genes = genes.loc[genes["strand"].map(strand.holds).astype(bool)]
figure = gene_scatter(
    read_means(Path(snakemake.input.observed))[genes.index],
    read_means(Path(snakemake.input.predicted))[genes.index],
    genes["chrom"].map(snakemake.params.splits),
    f"{snakemake.wildcards.cell_type} {strand}, {snakemake.wildcards.model}",
)
write_svg(figure, Path(snakemake.output[0]))
