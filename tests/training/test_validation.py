"""Validation scores against SciPy's, over all bases at once, in float64."""

from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import stats
from transformers import EvalPrediction

from rnatracks.tracks.targets import TargetTrack
from rnatracks.training.validation import LOSS, PEARSON, TrackScores

IGNORED = -100.0
TRACKS = [
    TargetTrack(name, Path(f"{name}.bw"), mean) for name, mean in (("B.plus", 0.4), ("B.minus", 2), ("T.plus", 9))
]
Batch = tuple[torch.Tensor, torch.Tensor]


def some_batches(seed: int = 0) -> list[Batch]:
    """Predictions and labels of both sides of the squash's knee, with holes; the last batch is smaller."""
    rng = np.random.default_rng(seed)
    batches = []
    for windows in (3, 3, 3, 1):
        labels = rng.gamma(0.5, 8, (windows, 3, 50)).astype(np.float32)
        predictions = (labels * rng.lognormal(0, 0.5, labels.shape) + 0.1).astype(np.float32)
        labels[:, :, rng.integers(0, 50, 5)] = IGNORED
        labels[0, :, 20:] = IGNORED
        batches.append((torch.from_numpy(predictions), torch.from_numpy(labels)))
    return batches


def score(scores: TrackScores, batches: list[Batch]) -> dict[str, float]:
    """Feed batches as a Trainer with `batch_eval_metrics` does."""
    *others, last = (EvalPrediction(predictions=predictions, label_ids=labels) for predictions, labels in batches)
    for batch in others:
        assert scores(batch, compute_result=False) == {}
    return scores(last, compute_result=True)


def coverage(squashed: np.ndarray, mean: float) -> np.ndarray:
    return mean * np.where(squashed <= 10, squashed, (squashed + 10) ** 2 / 40) ** (4 / 3)


def scores_at_once(batches: list[Batch]) -> dict[str, float]:
    predictions, labels = (torch.cat(side).double().numpy() for side in zip(*batches, strict=True))
    counted = labels != IGNORED
    pearson = {}
    for row, track in enumerate(TRACKS):
        here = counted[:, row]
        x, y = (np.log1p(coverage(side[:, row][here], track.nonzero_mean)) for side in (predictions, labels))
        pearson[f"{PEARSON}.{track.name}"] = float(stats.pearsonr(x, y).statistic)
    return {
        LOSS: float(np.square(predictions - labels)[counted].mean()),
        PEARSON: float(np.mean(list(pearson.values()))),
        **pearson,
    }


def test_scores_equal_those_of_all_bases_at_once() -> None:
    batches = some_batches()
    found, expected = score(TrackScores(TRACKS), batches), scores_at_once(batches)
    assert found == pytest.approx(expected, rel=1e-6)
    assert list(found) == [LOSS, PEARSON, *(f"{PEARSON}.{track.name}" for track in TRACKS)]
    assert all(type(value) is float for value in found.values())
    by_track = [found[f"{PEARSON}.{track.name}"] for track in TRACKS]
    assert len({round(value, 3) for value in by_track}) == 3
    assert 0.1 < min(by_track) < max(by_track) < 0.99


def test_how_bases_are_batched_does_not_matter() -> None:
    batches = some_batches()
    split = [(predictions[[row]], labels[[row]]) for predictions, labels in batches for row in range(len(labels))]
    assert score(TrackScores(TRACKS), split) == pytest.approx(score(TrackScores(TRACKS), batches), rel=1e-9)


def test_predictions_where_nothing_counts_do_not_matter() -> None:
    batches = some_batches()
    spoilt = [
        (torch.where(labels == IGNORED, 1e6 * torch.randn(labels.shape), predictions), labels)
        for predictions, labels in batches
    ]
    assert score(TrackScores(TRACKS), spoilt) == score(TrackScores(TRACKS), batches)


def test_half_precision_is_read() -> None:
    batches = [(predictions.bfloat16(), labels) for predictions, labels in some_batches()]
    assert score(TrackScores(TRACKS), batches) == pytest.approx(scores_at_once(batches), rel=1e-6)


def test_each_evaluation_begins_anew() -> None:
    scores = TrackScores(TRACKS)
    first = score(scores, some_batches(1))
    assert score(scores, some_batches(2)) == score(TrackScores(TRACKS), some_batches(2)) != first
    assert score(scores, some_batches(1)) == first


@pytest.mark.parametrize("constant", [0.0, 0.1, 123.0])
@pytest.mark.parametrize("side", ["predictions", "labels"])
def test_a_track_that_does_not_vary_has_no_correlation(constant: float, side: str) -> None:
    """It is left out of the mean over tracks, but not of the loss."""
    batches = some_batches()
    expected = scores_at_once(batches)
    for predictions, labels in batches:
        changed = predictions if side == "predictions" else labels
        changed[:, 1] = torch.where(labels[:, 1] == IGNORED, IGNORED, constant)
    found = score(TrackScores(TRACKS), batches)
    assert np.isnan(found[f"{PEARSON}.B.minus"])
    others = [expected[f"{PEARSON}.{name}"] for name in ("B.plus", "T.plus")]
    assert [found[f"{PEARSON}.{name}"] for name in ("B.plus", "T.plus")] == pytest.approx(others, rel=1e-6)
    assert found[PEARSON] == pytest.approx(np.mean(others), rel=1e-6)
    errors = [(predictions - labels)[labels != IGNORED].double().square() for predictions, labels in batches]
    assert found[LOSS] == pytest.approx(torch.cat(errors).mean().item(), rel=1e-6)


def test_no_correlation_at_all() -> None:
    batches = [(torch.full_like(predictions, 0.5), labels) for predictions, labels in some_batches()]
    found = score(TrackScores(TRACKS), batches)
    assert np.isfinite(found[LOSS])
    assert all(np.isnan(value) for name, value in found.items() if name != LOSS)


def test_a_track_without_counted_bases() -> None:
    batches = some_batches()
    for _, labels in batches:
        labels[:, 2] = IGNORED
    found, expected = score(TrackScores(TRACKS), batches), scores_at_once(some_batches())
    assert np.isnan(found[f"{PEARSON}.T.plus"])
    assert found[f"{PEARSON}.B.plus"] == pytest.approx(expected[f"{PEARSON}.B.plus"], rel=1e-6)


def test_nothing_counts() -> None:
    batches = [(predictions, torch.full_like(labels, IGNORED)) for predictions, labels in some_batches()]
    assert all(np.isnan(value) for value in score(TrackScores(TRACKS), batches).values())
