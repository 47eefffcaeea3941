"""Read a whole VCF before the long jobs: what can be scored on the chosen chromosomes, and what is skipped."""

import sys

sys.path.insert(0, snakemake.scriptdir)  # takes precedence over an installed rnatracks

from pathlib import Path

import pandas as pd

from rnatracks.files import write_table
from rnatracks.genome.sequence import Genome
from rnatracks.log import open_log
from rnatracks.vcf.variants import check_variants

open_log(snakemake.log[0])
contents = check_variants(
    Path(snakemake.input.variants),
    Genome(snakemake.input.fasta),
    chromosomes=snakemake.params.chromosomes,
    skipped=Path(snakemake.output.skipped),
)
table = pd.DataFrame(contents.variants.items(), columns=["chrom", "variants"])
write_table(table, Path(snakemake.output.contents))
