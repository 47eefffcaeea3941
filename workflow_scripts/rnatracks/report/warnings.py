"""What speaks against a run or its scores: a short line for the top of the report, and the full text for below."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import pandas as pd

from ..errors import shorten
from ..model.training_result import Kept, KeptWeights

MAX_WARNING_LINES = 4  # on the first screen


class PageSection(StrEnum):
    """Id of the part of the page to which a warning leads."""

    BASE = "base"
    GENE = "gene"
    CHROMOSOMES = "chromosomes"
    SAMPLES = "samples"
    TRACKS = "tracks"
    TRAINING = "training"
    VARIANTS = "variants"

    @property
    def title(self) -> str:
        """Name of the part, as links to it say."""
        titles = {
            PageSection.BASE: "Single bases",
            PageSection.GENE: "Gene expression",
            PageSection.TRACKS: "Observed tracks",
            PageSection.VARIANTS: "Sequence changes",
        }
        return titles.get(self, self.value.capitalize())


@dataclass(frozen=True)
class WarningText:
    """A paragraph of a warning in full, and what it lists, such as tracks."""

    text: str
    items: tuple[str, ...] = ()


@dataclass(frozen=True)
class ReportWarning:
    """One kind of warning: the short line, which follows the name of its section; the section; and the full text."""

    short: str
    section: PageSection
    full: tuple[WarningText, ...]


def first_lines(warnings: Sequence[ReportWarning]) -> Sequence[ReportWarning]:
    """Warnings of the first screen; the last line is left to a count of the others where there are too many."""
    return warnings if len(warnings) <= MAX_WARNING_LINES else warnings[: MAX_WARNING_LINES - 1]


def split_warnings(test: Sequence[str], valid: Sequence[str]) -> list[ReportWarning]:
    """That nothing was held out, if so."""
    if test:
        return []
    if valid:
        return [
            ReportWarning(
                "none was held out; scores are from training chromosomes, or from validation chromosomes, where they "
                "are too high.",
                PageSection.CHROMOSOMES,
                (
                    WarningText(
                        "Only validation chromosomes were set aside. Training was monitored on them and, with "
                        "keep: best, the weights were chosen by them, so their scores are too high. All "
                        "other scores on this page are from chromosomes that the models were trained on."
                    ),
                ),
            )
        ]
    return [
        ReportWarning(
            "nothing was held out; all scores are from chromosomes that the models were trained on.",
            PageSection.CHROMOSOMES,
            (
                WarningText(
                    "Nothing was held out: every score on this page is from chromosomes that the models were trained "
                    "on. The scores do not show how well coverage is predicted that the models have not seen."
                ),
            ),
        )
    ]


def simulation_warnings(simulated: bool) -> list[ReportWarning]:
    """That the data are simulated, if so."""
    if not simulated:
        return []
    return [
        ReportWarning(
            "the data are simulated; the scores show that the workflow works, not that a model is good.",
            PageSection.SAMPLES,
            (
                WarningText(
                    "The data are simulated: expression is encoded by short words in the exons, which are far easier "
                    "to learn than any real genome. The scores show that the workflow works, not that a model is good."
                ),
            ),
        )
    ]


def chromosome_warnings(sentences: Sequence[str]) -> list[ReportWarning]:
    """Chromosomes with signal and without genes, from the sentences of `qc.chromosomes`."""
    if not sentences:
        return []
    short = "some have signal but no gene in the annotation."
    return [ReportWarning(short, PageSection.CHROMOSOMES, tuple(map(WarningText, sentences)))]


def training_warnings(kept: Mapping[str, KeptWeights], valid: Sequence[str]) -> list[ReportWarning]:
    """Models whose weights could not be chosen by validation, although chromosomes were set aside for it."""
    full, affected = [], []
    for why, reason in (
        (Kept.UNWATCHED, "none of their windows could be used"),
        (Kept.UNSCORED, "no correlation could be computed on them (do they have signal?)"),
    ):
        names = [name for name, weights in kept.items() if weights.why is why]
        if valid and names:
            affected += names
            weights = "These models have the weights of the last epoch."
            full.append(WarningText(f"Validation chromosomes were set aside, but {reason}. {weights}", tuple(names)))
    if not full:
        return []
    models = "1 model has" if len(affected) == 1 else f"{len(affected):,} models have"
    short = f"{models} the weights of the last epoch because validation gave no score."
    return [ReportWarning(short, PageSection.TRAINING, tuple(full))]


def flag_warnings(samples: pd.DataFrame) -> list[ReportWarning]:
    """Flagged samples with their flags; a sample's strands are joined."""
    flagged = samples[samples["flags"].fillna("") != ""]
    if flagged.empty:
        return []
    flags = {
        str(sample): list(dict.fromkeys(",".join(rows["flags"]).split(",")))
        for sample, rows in flagged.groupby("sample", sort=False)
    }
    number = "1 sample is" if len(flags) == 1 else f"{len(flags):,} samples are"
    kinds = list(dict.fromkeys(flag for own in flags.values() for flag in own))
    text = WarningText(
        f"{number} flagged. See the table of samples under Data.",
        tuple(f"{sample} ({', '.join(own)})" for sample, own in flags.items()),
    )
    return [ReportWarning(f"{number} flagged ({shorten(kinds, 4)}).", PageSection.SAMPLES, (text,))]


def nonzero_mean_warnings(means: pd.DataFrame | None) -> list[ReportWarning]:
    """Tracks whose level is far from the published one, in the order of `qc/nonzero_means.tsv`."""
    far = means[means["far"] == "yes"] if means is not None else ()
    if not len(far):
        return []
    text = WarningText(
        "The nonzero mean of these tracks is less than 0.4 or more than 2.5 times the published one; the number is "
        "their ratio. A ratio that all tracks of a kind share is a difference of scale or of the number of samples; a "
        "ratio that only one track has suggests that other samples were averaged.",
        tuple(f"{row.track} ({row.ratio:.2g})" for row in far.itertuples()),
    )
    verb = "has" if len(far) == 1 else "have"
    short = f"{len(far):,} of {len(means):,} {verb} less than 0.4 or more than 2.5 times the published nonzero mean."
    return [ReportWarning(short, PageSection.TRACKS, (text,))]


def donor_warnings(one_donor: Collection[str]) -> list[ReportWarning]:
    """Cell types whose samples, two or more, all come from one donor."""
    if not one_donor:
        return []
    return [
        ReportWarning(
            f"all samples of {shorten(one_donor, 2)} come from one donor; the ceiling is that of technical repeats.",
            PageSection.SAMPLES,
            (
                WarningText(
                    "All samples of these cell types come from one donor. Their replicate ceiling is that of "
                    "technical repeats and does not include differences between people.",
                    tuple(one_donor),
                ),
            ),
        )
    ]
