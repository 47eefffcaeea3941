"""Download one file, verified."""

from pathlib import Path

from rnatracks.fetch import fetch
from rnatracks.jobs import open_log

open_log(snakemake.log[0])
fetch(snakemake.params.url, Path(snakemake.output[0]), snakemake.params.md5)
