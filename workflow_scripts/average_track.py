"""Scale every sample to one total and average them, streamed."""

import sys

sys.path.insert(0, snakemake.scriptdir)  # takes precedence over an installed rnatracks

from pathlib import Path

from rnatracks.config.settings import Settings
from rnatracks.files import write_json
from rnatracks.genome.tables import read_sizes
from rnatracks.log import open_log
from rnatracks.qc.checks import check_copies, read_check
from rnatracks.tracks.average import average

open_log(snakemake.log[0])
checks = [read_check(Path(path)) for path in snakemake.input.checks]
check_copies(checks)
strand, scaling = snakemake.wildcards.strand, Settings.of(snakemake.config).normalisation.scaling
scales = [check.scales(**scaling)[strand] for check in checks]
statistics = average(
    [(Path(path), scale) for path, scale in zip(snakemake.input.signals, scales, strict=True)],
    read_sizes(Path(snakemake.input.sizes)),
    Path(snakemake.output.bigwig),
    f"{snakemake.wildcards.cell_type}.{strand}",
    readers=snakemake.threads,
    normalisation=scaling,
)
write_json(Path(snakemake.output.statistics), statistics)
