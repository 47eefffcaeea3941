"""Moments of observed and predicted coverage, chromosome by chromosome."""

from pathlib import Path

import pandas as pd

from rnatracks.bigwig import Coverage
from rnatracks.files import write_table
from rnatracks.genome import Genome
from rnatracks.jobs import open_log
from rnatracks.metrics import base_moments, moments_row

open_log(snakemake.log[0])
genome = Genome(Path(snakemake.input.fasta))
with Coverage(snakemake.input.observed) as observed, Coverage(snakemake.input.predicted) as predicted:
    rows = [
        moments_row(chrom, base_moments(observed, predicted, genome, chrom)) for chrom in snakemake.params.chromosomes
    ]
write_table(pd.DataFrame(rows), Path(snakemake.output[0]))
