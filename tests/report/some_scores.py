"""A small score table, to change in tests."""

import numpy as np
import pandas as pd


def some_scores(models: int = 1, splits: tuple[str, ...] = ("train", "test")) -> pd.DataFrame:
    rows = [
        (f"m{index}", "amber", strand, split, {"train": 0.871, "test": 0.842, "all": 0.86}[split])
        for index in range(models)
        for strand in ("plus", "minus")
        for split in splits
    ]
    scores = pd.DataFrame(rows, columns=["model", "cell_type", "strand", "split", "pearson_log1p"])
    scores = scores.assign(ci_low=scores["pearson_log1p"] - 0.02, ci_high=scores["pearson_log1p"] + 0.02)
    rivals = {"other_cell_type": 0.5, "mean_of_others": np.nan, "baseline_cnn": np.nan}
    levels = {"mean_observed": 2.0, "mean_predicted": 2.0, "predicted_over_observed": 1.0}
    return scores.assign(region="all", **rivals, **levels)
