"""Comparison of samples with deepTools: a heat map of their correlations, and a PCA.

The matrix of bins by samples is kept in memory: about 20 MB per sample for 10,000-base bins of
the human genome.
"""

import logging
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ..errors import WorkerError
from ..files import atomic_write, write_table

log = logging.getLogger(__name__)

PSEUDOCOUNT = 0.01  # of the PCA's log2, in units of normalised coverage
COLOURS = {10: "tab10", 20: "tab20"}  # palettes by the number of groups that they can distinguish
NUMBERED = 25  # largest number of samples for which the heat map's cells show numbers


@dataclass(frozen=True)
class Bins:
    """Mean normalised coverage of bins: `means` has one row per bin and one column per sample."""

    samples: list[str]
    means: NDArray[np.float64]


def read_bins(files: Mapping[str, Path], width: int, folder: Path) -> Bins:
    """Combine the bins of several samples with multiBigwigSummary.

    Parameters
    ----------
    files
        The files that `write_bins` wrote, by sample.
    width
        As returned by `bin_width`.
    folder
        Folder for the intermediate file.

    Returns
    -------
    The bins that have signal in at least one sample.
    """
    summary = folder / "bins.npz"
    paths = [str(path) for path in files.values()]
    _run("multiBigwigSummary", "bins", "-b", *paths, "--labels", *files, "--binSize", str(width), "-o", str(summary))
    with np.load(summary) as stored:
        means = stored["matrix"]
    return Bins(list(files), means[means.any(axis=1)])


def why_incomparable(bins: Bins) -> str | None:
    """Why samples cannot be compared, as a sentence for the figure; None if they can."""
    if len(bins.samples) < 2:
        return "One sample on this strand: there is nothing to compare it with."
    varying = (np.ptp(bins.means, axis=1) > 0).sum()  # bins that vary between samples, as a PCA needs
    if len(bins.means) < 3 or varying < 2 or (np.ptp(bins.means, axis=0) == 0).any():
        return "Too few bins differ: the samples cannot be compared."
    return None


def plot_correlation(bins: Bins, title: str, figure: Path, table: Path, folder: Path) -> None:
    """Draw the heat map of Spearman correlations with plotCorrelation, and write them in the order of the samples.

    deepTools rounds them to four decimals. `folder` is for intermediate files.
    """
    stored, matrix = folder / "correlation.npz", folder / "correlation.tab"
    np.savez_compressed(stored, matrix=bins.means, labels=bins.samples)
    side = str(max(9.5, 0.45 * len(bins.samples)))
    style = ["--colorMap", "YlGnBu_r", "--plotTitle", title, "--plotWidth", side, "--plotHeight", side]
    if len(bins.samples) <= NUMBERED:
        style.append("--plotNumbers")
    with atomic_write(figure) as partial:
        files = ["-in", str(stored), "-o", str(partial), "--outFileCorMatrix", str(matrix)]
        _run("plotCorrelation", *files, "--corMethod", "spearman", "--whatToPlot", "heatmap", *style)
    found = pd.read_csv(matrix, sep="\t", skiprows=1, quotechar="'", index_col=0, dtype={0: str}, keep_default_na=False)
    write_correlation(found.loc[bins.samples, bins.samples], table)


def plot_pca(bins: Bins, groups: Sequence[str], title: str, figure: Path, table: Path, folder: Path) -> None:
    """Draw a PCA of the samples with plotPCA; write their coordinates and each component's share of the variance.

    Samples are the observations; the 1,000 bins that vary most are the features, as log2 of the
    coverage, each scaled to variance 1. The logarithm is taken here because plotPCA 3.5.6 applies
    `--log2` only after copying the matrix that it works on. Samples of the same group in `groups`,
    their cell types, share a colour, as assigned by `group_colours`.
    """
    stored, data = folder / "pca.npz", folder / "pca.tab"
    # Matplotlib leaves names that begin with an underscore out of a legend.
    labels = [f" {name}" if name.startswith("_") else name for name in bins.samples]
    np.savez_compressed(stored, matrix=np.log2(bins.means + PSEUDOCOUNT), labels=labels)
    with atomic_write(figure) as partial:
        files = ["-in", str(stored), "-o", str(partial), "--outFileNameData", str(data)]
        style = ["--plotTitle", title, "--plotWidth", "10", "--plotHeight", "10", "--colors", *group_colours(groups)]
        _run("plotPCA", *files, "--transpose", *style)
    # Columns are named by position, because a sample may have the name of a plotPCA column.
    found = pd.read_csv(data, sep="\t", skiprows=2, names=["component", *bins.samples, "share_of_variance"])
    shares = found.pop("share_of_variance")
    found.insert(1, shares.name, shares / shares.sum())
    write_table(found, table)


def group_colours(groups: Sequence[str]) -> list[str]:
    """Give each sample the colour of its group, as `#rrggbb`; with more than 20 groups colours repeat."""
    names = list(dict.fromkeys(groups))
    palette = matplotlib.colormaps[COLOURS[10 if len(names) <= 10 else 20]].colors
    return [to_hex(palette[names.index(group) % len(palette)]) for group in groups]


def write_correlation(correlation: pd.DataFrame, target: Path) -> None:
    """Write a square table of correlations by sample."""
    write_table(correlation.rename_axis("sample").reset_index(), target)


def write_incomparable(samples: list[str], reason: str, figures: Iterable[Path], correlation: Path, pca: Path) -> None:
    """Write figures that say why they are empty, correlations with empty cells, and a PCA without components."""
    log.warning("%s", reason)
    for path in figures:
        figure = Figure(figsize=(6, 1))
        figure.text(0.02, 0.5, reason, va="center")
        with matplotlib.rc_context({"svg.fonttype": "none"}), atomic_write(path) as partial:
            figure.savefig(partial, metadata={"Date": None})
    write_correlation(pd.DataFrame(index=samples, columns=samples), correlation)
    write_table(pd.DataFrame(columns=["component", "share_of_variance", *samples]), pca)


def _run(program: str, *arguments: str) -> None:
    """Run a deepTools program, which is installed next to this Python; its messages go to the log.

    Raises
    ------
    WorkerError
        With the last line that the program wrote, if it fails.
    """
    path = Path(sys.executable).with_name(program)
    done = subprocess.run([str(path), *arguments], capture_output=True, encoding="utf-8", errors="replace", check=False)
    lines = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
    for line in lines:
        log.info("%s: %s", program, line)
    if done.returncode:
        raise WorkerError(f"{program} ended with exit status {done.returncode}: {lines[-1] if lines else 'no output'}")
