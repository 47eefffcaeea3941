"""Unpack, verify and index the genome, and write the lengths of the chosen chromosomes."""

from pathlib import Path

import pandas as pd

from rnatracks.fetch import verify_md5
from rnatracks.files import write_table
from rnatracks.genome import prepare_fasta
from rnatracks.jobs import open_log

open_log(snakemake.log[0])
source = Path(snakemake.input[0])
verify_md5(source, snakemake.params.md5)
lengths = prepare_fasta(source, Path(snakemake.output.fasta), snakemake.params.chromosomes)
write_table(pd.DataFrame(lengths.items()), Path(snakemake.output.sizes), header=False)
