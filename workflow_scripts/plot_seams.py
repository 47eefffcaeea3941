"""Steps between neighbouring bases of one model's tracks, by position in the grid of tiles."""

import sys

sys.path.insert(0, snakemake.scriptdir)  # takes precedence over an installed rnatracks

from collections import defaultdict
from pathlib import Path

from rnatracks.config.settings import Settings
from rnatracks.evaluation.seams import mean_profiles, seam_places
from rnatracks.figures.scores import seam_figure
from rnatracks.figures.style import write_svg
from rnatracks.log import open_log
from rnatracks.prediction.stitching import Stitch
from rnatracks.vocabulary import Track

open_log(snakemake.log[0])
params = snakemake.params
paths = defaultdict(list)
for track, path in zip(params.tracks, snakemake.input, strict=True):
    paths[Track.parse(track).strand].append(Path(path))
profiles = {strand: mean_profiles(found) for strand, found in paths.items()}
seams = seam_places(params.size, params.overlap, Stitch(params.stitch))
write_svg(
    seam_figure(
        profiles, seams, f"{snakemake.wildcards.model}, on {', '.join(Settings.of(snakemake.config).seam_chromosomes)}"
    ),
    Path(snakemake.output[0]),
)
