"""Write one predicted track as a bigWig, from all its parts in genome order."""

import sys

sys.path.insert(0, snakemake.scriptdir)  # takes precedence over an installed rnatracks

from pathlib import Path

import numpy as np

from rnatracks.genome.tables import read_sizes
from rnatracks.log import open_log
from rnatracks.tracks.bigwig import write_coverage

open_log(snakemake.log[0])
lengths = read_sizes(Path(snakemake.input.sizes))
parts = (np.load(path, mmap_mode="r")[snakemake.params.row] for path in snakemake.input.parts)
write_coverage(Path(snakemake.output[0]), lengths, parts)
