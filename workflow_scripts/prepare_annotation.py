"""Keep the genes and exons of the chosen chromosomes, and write the union of each gene's exons, whole and unshared."""

from pathlib import Path

from rnatracks.annotation import own_exons, prepare_gtf, read_gtf, write_exons, write_genes
from rnatracks.fetch import verify_md5
from rnatracks.jobs import open_log

open_log(snakemake.log[0])
source = Path(snakemake.input[0])
verify_md5(source, snakemake.params.md5)
prepare_gtf(source, Path(snakemake.output.gtf), snakemake.params.chromosomes)
genes, exons = read_gtf(Path(snakemake.output.gtf))
write_genes(genes, Path(snakemake.output.genes))
write_exons(exons, Path(snakemake.output.exons))
write_exons(own_exons(exons, stranded=True), Path(snakemake.output.own_stranded))
write_exons(own_exons(exons, stranded=False), Path(snakemake.output.own_unstranded))
