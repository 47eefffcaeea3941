"""Mean of one strand's observed tracks over all cell types."""

import sys

sys.path.insert(0, snakemake.scriptdir)  # takes precedence over an installed rnatracks

from pathlib import Path

from rnatracks.genome.tables import read_sizes
from rnatracks.log import open_log
from rnatracks.tracks.average import average

open_log(snakemake.log[0])
average(
    [(Path(path), 1.0) for path in snakemake.input.tracks],
    read_sizes(Path(snakemake.input.sizes)),
    Path(snakemake.output[0]),
    f"mean.{snakemake.wildcards.strand}",
    readers=snakemake.threads,
)
