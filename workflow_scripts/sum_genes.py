"""Means of one track over each gene's exons and over its body."""

import sys

sys.path.insert(0, snakemake.scriptdir)  # takes precedence over an installed rnatracks

from pathlib import Path

import pandas as pd

from rnatracks.genome.tables import read_exons, read_genes
from rnatracks.log import open_log
from rnatracks.tracks.bigwig import Coverage
from rnatracks.tracks.expression import exonic_means, gene_body_means, write_means

open_log(snakemake.log[0])
genes, exons = read_genes(Path(snakemake.input.genes)), read_exons(Path(snakemake.input.exons))
with Coverage(snakemake.input.bigwig) as coverage:
    means = {"mean": exonic_means(coverage, genes, exons), "gene_body": gene_body_means(coverage, genes)}
    write_means(pd.DataFrame(means), Path(snakemake.output[0]))
