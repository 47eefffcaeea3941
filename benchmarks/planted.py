"""Scores of planted effects, over the tracks of several runs that differ in their seed only.

    python benchmarks/planted.py RESULTS [RESULTS ...]

Each RESULTS is the folder of a finished run with `simulate.variants`, such as results/demo. Prints a table with the
mean of each score over tracks and runs, and the lowest and highest; `docs/variants.md` shows that of three runs.
"""

import argparse
import re
import sys
from pathlib import Path

import pandas as pd

from rnatracks.evaluation.tables import read_scores

SCORES = {"sign_accuracy": "sign accuracy", "slope": "slope", "spearman": "Spearman", "auroc": "AUROC"}


def cell(values: pd.Series) -> str:
    """Mean (lowest to highest); a dash if there is no value."""
    values = values.dropna()
    return f"{values.mean():.2f} ({values.min():.2f} to {values.max():.2f})" if len(values) else "–"


def main() -> None:
    """Read the tables and print one."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", nargs="+", type=Path)
    options = parser.parse_args()
    scores = pd.concat(read_scores(folder / "evaluation/planted_variants.tsv") for folder in options.results)
    # A family of models with one member per cell type is one network here.
    families = [re.sub(f"-{re.escape(row.cell_type)}$", "", row.model) for row in scores.itertuples()]
    lines = [f"| model | kind | effects | {' | '.join(SCORES.values())} |", f"|{' --- |' * (3 + len(SCORES))}"]
    for (family, kind), rows in scores.groupby([families, "kind"], sort=False):
        effects = rows["effects"].sum() // len(options.results)
        lines.append(f"| {family} | {kind} | {effects} | {' | '.join(cell(rows[name]) for name in SCORES)} |")
    sys.stdout.write("\n".join([*lines, ""]))


if __name__ == "__main__":
    main()
