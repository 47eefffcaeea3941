"""One row a sample and strand, from the checks of all samples."""

from pathlib import Path

from rnatracks.files import write_table
from rnatracks.jobs import open_log
from rnatracks.qc import read_check, sample_table

open_log(snakemake.log[0])
table = sample_table(map(read_check, map(Path, snakemake.input)), snakemake.params.total)
write_table(table, Path(snakemake.output[0]))
