"""A sample's mean coverage in bins, for the comparison of samples."""

import sys

sys.path.insert(0, snakemake.scriptdir)  # takes precedence over an installed rnatracks

from pathlib import Path

from rnatracks.config.settings import Settings
from rnatracks.genome.tables import read_sizes
from rnatracks.log import open_log
from rnatracks.qc.bins import write_bins
from rnatracks.qc.checks import read_check
from rnatracks.tracks.bigwig import Coverage

open_log(snakemake.log[0])
scales = read_check(Path(snakemake.input.check)).scales(**Settings.of(snakemake.config).normalisation.scaling)
lengths = read_sizes(Path(snakemake.input.sizes))
for strand, path in zip(snakemake.params.strands, snakemake.input.signals, strict=True):
    with Coverage(path, sparse=True) as coverage:
        target = Path(snakemake.output[0]) / f"{strand}.bw"
        write_bins(coverage, scales[strand], lengths, snakemake.params.bin_size, target)
