"""Put tables with the same columns below each other."""

from pathlib import Path

import pandas as pd

from rnatracks.files import write_table
from rnatracks.jobs import open_log

open_log(snakemake.log[0])
tables = [pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False) for path in snakemake.input]
write_table(pd.concat(tables), Path(snakemake.output[0]))
