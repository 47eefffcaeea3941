"""The number format of a training with `precision: auto`: recorded, and kept when the training resumes elsewhere."""

import json
import logging
from pathlib import Path

import pytest
from jobs import make_job, make_plan, write_data

from rnatracks.config.data import NormalisationSettings
from rnatracks.provenance import Provenance
from rnatracks.training import precision
from rnatracks.training.checkpoints import claim_recipe
from rnatracks.training.job import TrainingJob, recipe
from rnatracks.training.pipeline import run_training
from rnatracks.training.precision import settle_precision


@pytest.fixture
def job(tmp_path: Path) -> TrainingJob:
    return make_job(write_data(tmp_path / "data"), tmp_path / "B", precision="auto", epochs=0.1)


def begin(job: TrainingJob, found: str) -> None:
    """Leave a checkpoint of the job in a number format."""
    settled = job.model_copy(update={"settings": job.settings.model_copy(update={"precision": found})})
    claim_recipe(job.checkpoints, recipe(settled))
    (job.checkpoints / "checkpoint-3").mkdir()


@pytest.mark.parametrize(("capable", "expected"), [(True, "bf16"), (False, "float32")])
def test_auto_depends_on_the_machine(
    job: TrainingJob, monkeypatch: pytest.MonkeyPatch, capable: bool, expected: str
) -> None:
    monkeypatch.setattr(precision, "computes_in_bf16", lambda _: capable)
    assert settle_precision(job).settings == job.settings.model_copy(update={"precision": expected})


@pytest.mark.parametrize(("capable", "began"), [(True, "float32"), (False, "bf16")])
def test_a_resumed_training_keeps_its_format(
    job: TrainingJob, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, capable: bool, began: str
) -> None:
    monkeypatch.setattr(precision, "computes_in_bf16", lambda _: capable)
    begin(job, began)
    with caplog.at_level(logging.INFO):
        assert settle_precision(job).settings.precision == began
    assert caplog.messages == [f"training.precision: auto stays {began}, the format in which this training began"]


def test_checkpoints_of_another_recipe_do_not_decide(job: TrainingJob, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision, "computes_in_bf16", lambda _: True)
    begin(job.model_copy(update={"plan": make_plan(strands="reverse_complement")}), "float32")
    assert settle_precision(job).settings.precision == "bf16"


def test_a_recipe_without_checkpoints_does_not_decide(job: TrainingJob, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision, "computes_in_bf16", lambda _: True)
    begin(job, "float32")
    (job.checkpoints / "checkpoint-3").rmdir()
    assert settle_precision(job).settings.precision == "bf16"


def test_a_configured_format_is_used_anywhere(job: TrainingJob, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision, "computes_in_bf16", lambda _: True)
    begin(job, "bf16")
    fixed = job.model_copy(update={"settings": job.settings.model_copy(update={"precision": "float32"})})
    assert settle_precision(fixed) is fixed


@pytest.mark.parametrize(("capable", "expected"), [(True, "bf16"), (False, "float32")])
def test_a_trained_model_records_its_format(
    job: TrainingJob, monkeypatch: pytest.MonkeyPatch, capable: bool, expected: str
) -> None:
    monkeypatch.setattr(precision, "computes_in_bf16", lambda _: capable)
    run_training(job, normalisation=NormalisationSettings(), made=Provenance(None, {}), gpus=1, nodes=1, threads=1)
    assert f"\nprecision: {expected}\n" in (job.target / "README.md").read_text()
    assert json.loads((job.target / "config.json").read_text())["training_precision"] == expected
