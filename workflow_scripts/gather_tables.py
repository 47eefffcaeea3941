"""Put tables with the same columns below each other."""

import pandas as pd

from rnatracks.jobs import open_log

open_log(snakemake.log[0])
tables = [pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False) for path in snakemake.input]
pd.concat(tables).to_csv(snakemake.output[0], sep="\t", index=False)
