"""Mean of one strand's observed tracks over all cell types."""

from contextlib import ExitStack
from pathlib import Path

from rnatracks.bigwig import Coverage, average
from rnatracks.genome import read_sizes
from rnatracks.jobs import open_log

open_log(snakemake.log[0])
with ExitStack() as opened:
    average(
        [(opened.enter_context(Coverage(path)), 1.0) for path in snakemake.input.tracks],
        read_sizes(Path(snakemake.input.sizes)),
        Path(snakemake.output[0]),
        f"mean.{snakemake.wildcards.strand}",
    )
