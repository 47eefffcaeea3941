"""Join the exonic means of several tracks into one gene x track matrix."""

import sys

sys.path.insert(0, snakemake.scriptdir)  # takes precedence over an installed rnatracks

from pathlib import Path

from rnatracks.genome.tables import read_genes
from rnatracks.log import open_log
from rnatracks.tracks.expression import read_means, write_matrix

open_log(snakemake.log[0])
columns = {
    track: read_means(Path(path)) for track, path in zip(snakemake.params.tracks, snakemake.input.parts, strict=True)
}
write_matrix(read_genes(Path(snakemake.input.genes)), columns, Path(snakemake.output[0]))
