"""Scale every sample to one total and average them, streamed."""

from pathlib import Path

from rnatracks.averaging import average
from rnatracks.files import write_json
from rnatracks.genome import read_sizes
from rnatracks.jobs import open_log
from rnatracks.qc import read_check

open_log(snakemake.log[0])
scales = [read_check(Path(path)).scale(snakemake.params.total) for path in snakemake.input.checks]
statistics = average(
    [(Path(path), scale) for path, scale in zip(snakemake.input.signals, scales, strict=True)],
    read_sizes(Path(snakemake.input.sizes)),
    Path(snakemake.output.bigwig),
    f"{snakemake.wildcards.cell_type}.{snakemake.wildcards.strand}",
    readers=snakemake.threads,
)
write_json(Path(snakemake.output.statistics), statistics)
