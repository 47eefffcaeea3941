"""Verify, decompress and index the genome; write the lengths and the base composition of the chosen chromosomes."""

import sys

sys.path.insert(0, snakemake.scriptdir)  # takes precedence over an installed rnatracks

from pathlib import Path

from rnatracks.downloads.fetch import verify_md5
from rnatracks.files import write_table
from rnatracks.genome.fasta import composition_table, prepare_fasta
from rnatracks.log import open_log

open_log(snakemake.log[0])
source = Path(snakemake.input[0])
verify_md5(source, snakemake.params.md5)
compositions = prepare_fasta(source, Path(snakemake.output.fasta), snakemake.params.chromosomes)
table = composition_table(compositions)
write_table(table, Path(snakemake.output.bases))
write_table(table[["chrom", "length"]], Path(snakemake.output.sizes), header=False)
