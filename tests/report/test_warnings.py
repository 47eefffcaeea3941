"""Warnings on the split, the samples, the chromosomes and the training, and which of them the first screen shows."""

import numpy as np
import pandas as pd
import pytest

from rnatracks.model.training_result import Kept, KeptWeights
from rnatracks.report.warnings import (
    MAX_WARNING_LINES,
    PageSection,
    ReportWarning,
    chromosome_warnings,
    donor_warnings,
    first_lines,
    flag_warnings,
    nonzero_mean_warnings,
    simulation_warnings,
    split_warnings,
    training_warnings,
)


def full_text(warning: ReportWarning) -> str:
    return "\n".join(" ".join((each.text, *each.items)) for each in warning.full)


@pytest.mark.parametrize(("number", "shown"), [(0, 0), (1, 1), (4, 4), (5, 3), (9, 3)])
def test_first_lines_leave_the_last_of_four_to_a_count(number: int, shown: int) -> None:
    every = [ReportWarning(f"w{index}", PageSection.BASE, ()) for index in range(number)]
    assert list(first_lines(every)) == every[:shown]
    assert shown + (shown < number) <= MAX_WARNING_LINES


def test_nothing_held_out_is_a_warning() -> None:
    (warning,) = split_warnings([], [])
    assert warning.short == "nothing was held out; all scores are from chromosomes that the models were trained on."
    assert "Nothing was held out" in full_text(warning)
    assert split_warnings(["chr3"], ["chr4"]) == []


def test_validation_chromosomes_are_neither_held_out_nor_trained_on() -> None:
    (warning,) = split_warnings([], ["chr4"])
    assert warning.short.startswith("none was held out")
    assert full_text(warning).startswith("Only validation chromosomes were set aside")
    assert "Nothing was held out" not in full_text(warning)


def test_simulated_data_are_a_warning() -> None:
    assert "The data are simulated" in full_text(simulation_warnings(True)[0])
    assert simulation_warnings(False) == []


def test_flagged_samples_are_named_once_with_their_flags() -> None:
    flags = pd.DataFrame({"sample": ["s1", "s1", "s2"], "flags": ["swapped", "swapped,outlier", ""]})
    (warning,) = flag_warnings(flags)
    assert warning.short == "1 sample is flagged (swapped, outlier)."
    assert warning.full[0].items == ("s1 (swapped, outlier)",)
    assert warning.section is PageSection.SAMPLES
    assert flag_warnings(flags.assign(flags="")) == []
    assert flag_warnings(flags.assign(flags=np.nan)) == []


def test_flags_of_many_samples_are_all_in_the_full_text() -> None:
    names = [f"s{index}" for index in range(40)]
    (warning,) = flag_warnings(
        pd.DataFrame({"sample": names, "flags": [f"no_signal:chr{index}" for index in range(40)]})
    )
    assert warning.short == (
        "40 samples are flagged (no_signal:chr0, no_signal:chr1, no_signal:chr2, no_signal:chr3, ... (40 in all))."
    )
    assert [item.split()[0] for item in warning.full[0].items] == names


def test_trainings_without_a_choice_are_one_warning_with_both_reasons() -> None:
    nan = float("nan")
    kept = {
        "a": KeptWeights(2, Kept.BEST, 3, 0.1, 0.8),
        "b": KeptWeights(3, Kept.UNSCORED, 3, 0.1, nan),
        "c": KeptWeights(3, Kept.UNWATCHED, 3, nan, nan),
        "d": KeptWeights(3, Kept.CONTROL, 3, 0.1, 0.2),
    }
    (warning,) = training_warnings(kept, ["chr4"])
    assert warning.short == "2 models have the weights of the last epoch because validation gave no score."
    unwatched, unscored = warning.full
    assert ("none of their windows could be used" in unwatched.text, unwatched.items) == (True, ("c",))
    assert ("no correlation could be computed" in unscored.text, unscored.items) == (True, ("b",))
    assert training_warnings(kept, []) == [], "nothing was set aside"
    assert training_warnings({"b": kept["b"]}, ["chr4"])[0].short.startswith("1 model has")


def test_chromosomes_without_genes_keep_their_sentences() -> None:
    (warning,) = chromosome_warnings(["The annotation has no gene on chrUn (3% of the samples' signal)."])
    assert "chrUn (3%" in full_text(warning)
    assert chromosome_warnings([]) == []


def test_cell_types_of_one_donor_are_all_named_in_full() -> None:
    (warning,) = donor_warnings(["A", "B", "C"])
    assert warning.short.startswith("all samples of A, B, ... (3 in all) come from one donor")
    assert warning.full[0].items == ("A", "B", "C")
    assert donor_warnings([]) == []


def test_tracks_far_from_the_published_level_are_named_with_their_ratio() -> None:
    means = pd.DataFrame({"track": ["a.plus", "b.plus"], "ratio": [0.3123, 1.1], "far": ["yes", "no"]})
    (warning,) = nonzero_mean_warnings(means)
    assert warning.short == "1 of 2 has less than 0.4 or more than 2.5 times the published nonzero mean."
    assert (warning.full[0].items, warning.section) == (("a.plus (0.31)",), PageSection.TRACKS)
    assert nonzero_mean_warnings(means.assign(far="no")) == nonzero_mean_warnings(None) == []
