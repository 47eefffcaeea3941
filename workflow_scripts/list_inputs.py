"""Size and MD5 of every input file."""

import sys

sys.path.insert(0, snakemake.scriptdir)  # takes precedence over an installed rnatracks

from pathlib import Path

import pandas as pd

from rnatracks.downloads.fetch import size_and_md5
from rnatracks.files import write_table
from rnatracks.log import open_log

open_log(snakemake.log[0])
rows = [(str(path), *size_and_md5(path)) for path in sorted(map(Path, {*snakemake.input}))]
write_table(pd.DataFrame(rows, columns=["file", "bytes", "md5"]), Path(snakemake.output[0]))
