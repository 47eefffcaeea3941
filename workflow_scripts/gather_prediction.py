"""Write one predicted track, all parts in the genome's order, as a bigWig."""

import sys

sys.path.insert(0, snakemake.scriptdir)  # before any rnatracks that is installed

from pathlib import Path

import numpy as np

from rnatracks.genome.tables import read_sizes
from rnatracks.log import open_log
from rnatracks.tracks.bigwig import write_coverage

open_log(snakemake.log[0])
lengths = read_sizes(Path(snakemake.input.sizes))
parts = (np.load(path, mmap_mode="r")[snakemake.params.row] for path in snakemake.input.parts)
write_coverage(Path(snakemake.output[0]), lengths, parts)
