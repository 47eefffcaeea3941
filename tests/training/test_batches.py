"""The global batch stays as configured, however many GPUs share it."""

import itertools
import json
import logging
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from jobs import make_job, make_plan, write_data

from rnatracks.config.data import NormalisationSettings
from rnatracks.config.heads import UNetHeadSettings
from rnatracks.errors import InputError
from rnatracks.provenance import Provenance
from rnatracks.training.batches import batch_share, usable_processes
from rnatracks.training.pipeline import run_training

MADE = Provenance(None, {})
NET = {"type": "unet", "widths": [8, 12, 16], "kernel_size": 3, "dilations": [1, 2], "dropout": 0}  # which differs
SHARED_HEAD = UNetHeadSettings(type="unet", widths=(8, 12, 16), kernel_size=3, dropout=0)


@pytest.mark.parametrize(
    ("together", "micro", "processes", "share"),
    [
        (256, 1, 64, (1, 4)),  # as published
        (256, 1, 1, (1, 256)),
        (4, 4, 1, (4, 1)),
        (4, 4, 2, (2, 1)),
        (4, 4, 4, (1, 1)),
        (12, 4, 2, (3, 2)),
        (10, 4, 2, (1, 5)),
        (32, 8, 2, (8, 2)),
    ],
)
def test_micro_batch_divides_what_a_process_gets(
    tmp_path: Path, together: int, micro: int, processes: int, share: tuple[int, int]
) -> None:
    job = make_job(tmp_path, tmp_path / "B", global_batch_size=together, micro_batch_size=micro)
    found = batch_share(job, processes)
    assert (found.micro_batch, found.accumulated) == share
    assert processes * found.micro_batch * found.accumulated == together


def test_processes_that_do_not_divide_the_batch_are_refused(tmp_path: Path) -> None:
    plan = make_plan(training={"global_batch_size": 4})
    with pytest.raises(InputError, match=r"^config, models\.B\.training\.global_batch_size: found 4; .*\(3\)$"):
        batch_share(make_job(tmp_path, tmp_path / "B", plan), 3)


@pytest.mark.parametrize("together", [1, 4, 6, 7, 12, 256])
@pytest.mark.parametrize("available", [(1, 1), (8, 1), (4, 2), (3, 3)])
def test_as_many_processes_as_divide_the_batch_are_used(together: int, available: tuple[int, int]) -> None:
    each, nodes = usable_processes(together, *available)
    possible = [a * b for a, b in itertools.product(*(range(1, most + 1) for most in available))]
    assert each * nodes == max(number for number in possible if together % number == 0)
    assert each <= available[0] and nodes <= available[1]


def test_a_small_batch_trains_on_several_gpus(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Two CPU processes stand in for the GPUs; the logs are those of one process with the configured micro-batch.

    Batch norm's statistics are synchronised.
    """
    data = write_data(tmp_path / "data")
    batch = {"global_batch_size": 4, "micro_batch_size": 4}
    plan = make_plan(backbone=NET, head=SHARED_HEAD, strands="reverse_complement", training=batch)
    recipe = {"epochs": 2, "keep": "best", "learning_rate": 5e-3, "precision": "auto"}
    one, several = (make_job(data, tmp_path / name, plan, **recipe) for name in ("one", "several"))
    run_training(one, normalisation=NormalisationSettings(), made=MADE, gpus=1, nodes=1, threads=1)
    assert "does not divide" not in caplog.text
    with caplog.at_level(logging.INFO):
        run_training(several, normalisation=NormalisationSettings(), made=MADE, gpus=3, nodes=1, threads=2)
    said = [message for message in caplog.messages if "does not divide" in message]
    key = "models.B.training.global_batch_size"
    assert said == [f"{key} (4) does not divide into 3 GPUs x 4 window(s): using 2 GPU(s) x 2 window(s)"]
    logs = [pd.read_csv(job.target / "training_log.tsv", sep="\t") for job in (one, several)]
    for column in ("loss", "valid_loss", "valid_pearson_log1p.B.plus", "valid_pearson_log1p.B.minus"):
        np.testing.assert_allclose(logs[1][column], logs[0][column], rtol=1e-4, atol=1e-4, err_msg=column)
    assert json.loads((several.target / "config.json").read_text())["strands"] == "reverse_complement"


def test_one_process_is_used_if_no_more_divide_the_batch(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    data = write_data(tmp_path / "data")
    job = make_job(data, tmp_path / "B", global_batch_size=1, micro_batch_size=1, epochs=0.1)
    with caplog.at_level(logging.INFO):
        run_training(job, normalisation=NormalisationSettings(), made=MADE, gpus=8, nodes=2, threads=1)
    assert "training.global_batch_size (1) does not divide into 8 GPUs x 1 window(s): using 1 GPU(s)" in caplog.text
    assert "global batch 1 = 1 process(es) x 1 window(s) x 1 accumulated" in caplog.text
    assert torch.distributed.is_initialized() is False
