"""Cut the chosen chromosomes into windows, with split, N and blacklist fractions."""

import sys

sys.path.insert(0, snakemake.scriptdir)  # takes precedence over an installed rnatracks

from pathlib import Path

from rnatracks.config.settings import Settings
from rnatracks.genome.bed import read_bed
from rnatracks.genome.sequence import Genome
from rnatracks.genome.windows import make_windows, write_windows
from rnatracks.log import open_log

open_log(snakemake.log[0])
windows = make_windows(
    Genome(snakemake.input.fasta),
    Settings.of(snakemake.config).splits,
    size=snakemake.params.size,
    overlap=snakemake.params.overlap,
    blacklist=read_bed(Path(snakemake.input.blacklist)) if snakemake.input.get("blacklist") else None,
)
write_windows(windows, Path(snakemake.output[0]))
