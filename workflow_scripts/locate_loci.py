"""Look up the loci and gene types of the configuration in the annotation."""

import sys

sys.path.insert(0, snakemake.scriptdir)  # takes precedence over an installed rnatracks

from pathlib import Path

import pandas as pd

from rnatracks.files import write_table
from rnatracks.genome.loci import locate
from rnatracks.genome.tables import read_genes, read_sizes
from rnatracks.log import open_log
from rnatracks.tracks.expression import select_gene_types

open_log(snakemake.log[0])
genes, sizes = read_genes(Path(snakemake.input.genes)), read_sizes(Path(snakemake.input.sizes))
select_gene_types(genes, snakemake.params.gene_types)
rows = []
for name, locus in snakemake.params.loci.items():
    region = locate(locus, genes, sizes)
    rows.append((name, region.chrom, region.start, region.end))
write_table(pd.DataFrame(rows, columns=["locus", "chrom", "start", "end"]), Path(snakemake.output[0]))
