"""Scale every sample to one total and average them, streamed."""

from contextlib import ExitStack
from pathlib import Path

from rnatracks.bigwig import Coverage, average
from rnatracks.files import write_json
from rnatracks.genome import read_sizes
from rnatracks.jobs import open_log
from rnatracks.qc import read_check

open_log(snakemake.log[0])
checks = [read_check(Path(path)) for path in snakemake.input.checks]
with ExitStack() as opened:
    files = [
        (opened.enter_context(Coverage(path)), check.scale(snakemake.params.total))
        for path, check in zip(snakemake.input.signals, checks, strict=True)
    ]
    statistics = average(
        files,
        read_sizes(Path(snakemake.input.sizes)),
        Path(snakemake.output.bigwig),
        f"{snakemake.wildcards.cell_type}.{snakemake.wildcards.strand}",
    )
write_json(Path(snakemake.output.statistics), statistics)
