"""Write the genes of the chosen chromosomes and the union of each gene's exons, with and without shared bases."""

import sys

sys.path.insert(0, snakemake.scriptdir)  # takes precedence over an installed rnatracks

from pathlib import Path

from rnatracks.downloads.fetch import verify_md5
from rnatracks.genome.annotation import own_exons, prepare_gtf
from rnatracks.genome.tables import read_sizes, write_exons, write_genes
from rnatracks.log import open_log

open_log(snakemake.log[0])
source = Path(snakemake.input.gtf)
verify_md5(source, snakemake.params.md5)
annotation = prepare_gtf(source, Path(snakemake.output.gtf), read_sizes(Path(snakemake.input.sizes)))
write_genes(annotation.genes, Path(snakemake.output.genes))
write_exons(annotation.bodies, Path(snakemake.output.bodies))
write_exons(annotation.exons, Path(snakemake.output.exons))
for stranded, path in ((True, snakemake.output.own_stranded), (False, snakemake.output.own_unstranded)):
    write_exons(own_exons(annotation.exons, stranded=stranded), Path(path))
