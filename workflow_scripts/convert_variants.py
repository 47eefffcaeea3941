"""Write a table of effects as AnnData."""

import sys

sys.path.insert(0, snakemake.scriptdir)  # takes precedence over an installed rnatracks

from pathlib import Path

from rnatracks.log import open_log
from rnatracks.tracks.anndata import write_h5ad
from rnatracks.variants.anndata import effects_anndata

open_log(snakemake.log[0])
model, pseudocount = snakemake.wildcards.model, snakemake.params.pseudocount
effects = effects_anndata(Path(snakemake.input[0]), model=model, pseudocount=pseudocount)
write_h5ad(effects, Path(snakemake.output[0]))
