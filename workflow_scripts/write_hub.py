"""The track hub that shows the whole run in UCSC's genome browser."""

import sys

sys.path.insert(0, snakemake.scriptdir)  # takes precedence over an installed rnatracks

from pathlib import Path

from rnatracks.log import open_log
from rnatracks.report.track_hub import write_hub
from rnatracks.vocabulary import Track

open_log(snakemake.log[0])
signals = [(model, Track.parse(track)) for model, track in snakemake.params.signals]
write_hub(Path(snakemake.output[0]), snakemake.params.assembly, signals)
