"""Cut the chosen chromosomes into windows, with split, N and blacklist fractions."""

import sys

sys.path.insert(0, snakemake.scriptdir)  # before any rnatracks that is installed

from pathlib import Path

from rnatracks.genome.bed import read_bed
from rnatracks.genome.sequence import Genome, make_windows, write_windows
from rnatracks.log import open_log
from rnatracks.vocabulary import Split

open_log(snakemake.log[0])
splits = {chrom: Split(split) for chrom, split in snakemake.params.splits.items()}
windows = make_windows(
    Genome(snakemake.input.fasta),
    splits,
    size=snakemake.params.size,
    overlap=snakemake.params.overlap,
    blacklist=read_bed(Path(snakemake.input.blacklist)) if snakemake.input.get("blacklist") else None,
)
write_windows(windows, Path(snakemake.output[0]))
