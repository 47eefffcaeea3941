"""Put the samples of all cell types into one sheet, which can be given back as `samples:`."""

from collections import Counter
from pathlib import Path

import pandas as pd

from rnatracks.errors import InputError
from rnatracks.files import write_table
from rnatracks.jobs import open_log

open_log(snakemake.log[0])


def joined(paths):
    return pd.concat([pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False) for path in paths])


samples = joined(snakemake.input.samples)
files = Counter(path for column in ("plus", "minus", "unstranded") for path in samples[column] if path)
for path, count in files.items():
    if count > 1:
        expected = "each file once: two cell types find the same experiment"
        raise InputError("samples", f"{path} in {count} samples", expected)
write_table(samples, Path(snakemake.output.samples))
write_table(joined(snakemake.input.rejected), Path(snakemake.output.rejected))
