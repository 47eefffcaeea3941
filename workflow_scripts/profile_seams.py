"""Steps between neighbouring bases of one track, observed and predicted, by position in the grid of tiles."""

import sys

sys.path.insert(0, snakemake.scriptdir)  # takes precedence over an installed rnatracks

from pathlib import Path

from rnatracks.evaluation.seams import step_profile, write_profiles
from rnatracks.log import open_log
from rnatracks.tracks.bigwig import Coverage

open_log(snakemake.log[0])
profiles = []
for path in (snakemake.input.observed, snakemake.input.predicted):
    with Coverage(path) as coverage:
        lengths = {chrom: coverage.lengths[chrom] for chrom in snakemake.params.chromosomes}
        profiles.append(step_profile(coverage, lengths, snakemake.params.period))
write_profiles(Path(snakemake.output[0]), *profiles)
