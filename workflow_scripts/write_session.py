"""The IGV session that shows the whole run, and lists the loci."""

import sys

sys.path.insert(0, snakemake.scriptdir)  # takes precedence over an installed rnatracks

from pathlib import Path

from rnatracks.genome.loci import read_loci
from rnatracks.log import open_log
from rnatracks.report.track_hub import write_session
from rnatracks.vocabulary import Track

open_log(snakemake.log[0])
signals = [(model, Track.parse(track)) for model, track in snakemake.params.signals]
genome = snakemake.params.assembly or "../reference/genome.fa"
write_session(Path(snakemake.output[0]), genome, signals, read_loci(Path(snakemake.input[0]), snakemake.params.loci))
