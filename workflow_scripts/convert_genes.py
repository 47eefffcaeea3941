"""Write a gene x track matrix as AnnData."""

import sys

sys.path.insert(0, snakemake.scriptdir)  # takes precedence over an installed rnatracks

from pathlib import Path

from rnatracks.log import open_log
from rnatracks.tracks.anndata import to_anndata, write_h5ad
from rnatracks.tracks.expression import read_matrix

open_log(snakemake.log[0])
matrix = read_matrix(Path(snakemake.input[0]))
write_h5ad(to_anndata(matrix, snakemake.params.normalisation, snakemake.params.shared_exons), Path(snakemake.output[0]))
