"""Agreement of the samples of one strand: heat map of correlations and PCA, drawn by deepTools."""

import sys

sys.path.insert(0, snakemake.scriptdir)  # takes precedence over an installed rnatracks

import tempfile
from pathlib import Path

from rnatracks.genome.tables import read_sizes
from rnatracks.log import open_log
from rnatracks.qc.bins import bin_width
from rnatracks.qc.comparison import plot_correlation, plot_pca, read_bins, why_incomparable, write_incomparable

open_log(snakemake.log[0])
strand, names = snakemake.wildcards.strand, snakemake.params.samples
files = {name: Path(path) / f"{strand}.bw" for name, path in zip(names, snakemake.input.bins, strict=True)}
width = bin_width(read_sizes(Path(snakemake.input.sizes)), snakemake.params.bin_size)
out = {name: Path(path) for name, path in snakemake.output.items()}
with tempfile.TemporaryDirectory() as folder:
    bins = read_bins(files, width, Path(folder))
    reason = why_incomparable(bins)
    if reason is None:
        title = f"{strand}: {len(bins.means):,} bins of {width:,} bases"
        plot_correlation(bins, f"Spearman, {title}", out["heatmap"], out["correlation"], Path(folder))
        groups = snakemake.params.cell_types
        plot_pca(bins, groups, f"PCA of log2 coverage, {title}", out["pca"], out["components"], Path(folder))
    else:
        write_incomparable(names, reason, [out["heatmap"], out["pca"]], out["correlation"], out["components"])
