"""Join the exonic means of several tracks into one gene x track matrix."""

from pathlib import Path

import pandas as pd

from rnatracks.annotation import read_genes
from rnatracks.expression import write_matrix
from rnatracks.jobs import open_log

open_log(snakemake.log[0])
columns = {
    track: pd.read_csv(path, sep="\t", index_col="gene_id", dtype={"gene_id": str})["mean"]
    for track, path in zip(snakemake.params.tracks, snakemake.input.parts, strict=True)
}
write_matrix(read_genes(Path(snakemake.input.genes)), columns, Path(snakemake.output[0]))
