"""Copy a VCF with the strongest predicted effect of each allele in INFO, and index it."""

import sys

sys.path.insert(0, snakemake.scriptdir)  # takes precedence over an installed rnatracks

from pathlib import Path

from rnatracks.genome.tables import read_sizes
from rnatracks.log import open_log
from rnatracks.variants.annotated_vcf import write_vcf

open_log(snakemake.log[0])
write_vcf(
    Path(snakemake.input.variants),
    Path(snakemake.input.effects),
    Path(snakemake.output[0]),
    lengths=read_sizes(Path(snakemake.input.sizes)),
    model=snakemake.wildcards.model,
    pseudocount=snakemake.params.pseudocount,
)
