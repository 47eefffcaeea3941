"""One row per sample and strand, from the checks and the comparison of all samples; and one per chromosome of each."""

import sys

sys.path.insert(0, snakemake.scriptdir)  # takes precedence over an installed rnatracks

from pathlib import Path

from rnatracks.config.settings import Settings
from rnatracks.files import write_table
from rnatracks.log import open_log
from rnatracks.qc.checks import check_copies, read_check, stop_on_flags
from rnatracks.qc.table import chromosome_table, read_correlation, sample_table
from rnatracks.vocabulary import Track

open_log(snakemake.log[0])
params = snakemake.params
checks = [read_check(Path(path)) for path in snakemake.input.checks]
check_copies(checks)
if params.stop_on_flags:
    stop_on_flags(checks)
correlations = {
    strand: read_correlation(Path(path))
    for strand, path in zip(params.strands, snakemake.input.correlations, strict=True)
}
excluded = [(name, Track.parse(track)) for name, track in params.excluded]
write_table(
    sample_table(checks, Settings.of(snakemake.config).normalisation.scaling, correlations, excluded),
    Path(snakemake.output.samples),
)
write_table(chromosome_table(checks), Path(snakemake.output.chromosomes))
