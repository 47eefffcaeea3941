"""Measuring what a training will cost must leave no trace in it."""

import copy
import resource
from pathlib import Path

import numpy as np
import psutil
import pytest
import torch
from jobs import make_job, make_plan, write_data
from models import small_model

from rnatracks.errors import InputError
from rnatracks.model.network import CoverageModel
from rnatracks.model.plan import ModelPlan
from rnatracks.training import cost
from rnatracks.training.cost import Cost, describe_duration, measure_cost
from rnatracks.training.stop import StopRequest
from rnatracks.training.train import prepare

UNET = {"type": "unet", "widths": [4, 6], "kernel_size": 3, "dilations": [1]}


def make_batch(windows: int = 2, length: int = 64) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(5)
    labels = torch.rand(windows, 2, length, generator=generator)
    labels[:, :, 50:] = -100
    return {"input_ids": torch.randint(0, 5, (windows, length), generator=generator), "labels": labels}


def one_step(model: CoverageModel) -> dict[str, torch.Tensor]:
    """The gradients of a first step, with dropout."""
    model.train()
    torch.manual_seed(3)
    model(**make_batch()).loss.backward()
    return {name: value.grad for name, value in model.named_parameters() if value.grad is not None}


@pytest.mark.parametrize("precision", ["float32", "bf16"])
@pytest.mark.parametrize("training", [False, True], ids=["evaluation", "training"])
def test_measuring_leaves_everything_as_it_was(training: bool, precision: str) -> None:
    model = small_model().train(training)
    before = copy.deepcopy(model.state_dict())
    assert any(name.endswith("num_batches_tracked") for name in before)
    torch.manual_seed(11)
    state = torch.get_rng_state()
    found = measure_cost(model, make_batch(), bf16=precision == "bf16")
    assert torch.equal(torch.get_rng_state(), state)
    assert {module.training for module in model.modules()} == {training}
    assert model.state_dict().keys() == before.keys()
    assert [name for name, value in model.state_dict().items() if not torch.equal(value, before[name])] == []
    assert all(value.grad is None for value in model.parameters())
    assert found.seconds > 0


def test_the_first_step_is_the_same_as_without() -> None:
    measured, other = small_model(), small_model()
    measure_cost(measured, make_batch(), bf16=False)
    found, expected = one_step(measured), one_step(other)
    assert found.keys() == expected.keys()
    assert [name for name, value in found.items() if not torch.equal(value, expected[name])] == []
    for name, value in measured.named_buffers():
        assert torch.equal(value, other.get_buffer(name)), name


def test_what_is_measured_is_training() -> None:
    """Passes in training mode, forward and backward, in the precision of the training."""
    model = small_model()
    modes, gradients, types = [], [], set()
    model.register_forward_pre_hook(lambda module, _: modes.append(module.training))
    model.heads[0].scale.register_hook(gradients.append)
    projection = model.backbone.layers[0].self_attn.q_proj
    projection.register_forward_hook(lambda _module, _inputs, output: types.add(output.dtype))
    measure_cost(model, make_batch(), bf16=True)
    assert modes == [True, True, True]
    assert len(gradients) == 3
    assert types == {torch.bfloat16}


def test_frozen_weights_are_no_hindrance() -> None:
    model = small_model()
    model.backbone.requires_grad_(False)
    measure_cost(model, make_batch(), bf16=False)
    assert not any(value.requires_grad for value in model.backbone.parameters())
    assert all(value.requires_grad for value in model.heads.parameters())


@pytest.mark.skipif(torch.cuda.is_available(), reason="tells of the memory of this process, where there is no GPU")
def test_memory_is_the_peak_of_this_process() -> None:
    at_once = np.ones(50_000_000)  # 400 MB, which are free again when the cost is measured
    peak = psutil.Process().memory_info().rss
    del at_once
    found = measure_cost(small_model(), make_batch(), bf16=False).memory
    assert 0.95 * peak < found <= 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def test_cost_is_a_value() -> None:
    assert Cost(1.5, 2) == Cost(seconds=1.5, memory=2)


def prepared(folder: Path, plan: ModelPlan, **recipe: object) -> None:
    prepare(make_job(write_data(folder / "data"), folder / "B", plan, **recipe), StopRequest())


@pytest.mark.parametrize(
    ("plan", "recipe", "line"),
    [
        (
            make_plan(training={"micro_batch_size": 4}),
            {},
            "models.B.training.micro_batch_size: found 4, which needs more memory than a small GPU has; expected "
            "a smaller value, training.gradient_checkpointing: true, smaller windows or a larger GPU",
        ),
        (
            make_plan(),
            {"gradient_checkpointing": True, "micro_batch_size": 1},
            "training.micro_batch_size: found 1, which needs more memory than a small GPU has; expected "
            "smaller windows or a larger GPU",
        ),
        (
            make_plan(backbone=UNET),
            {},
            "training.micro_batch_size: found 4, which needs more memory than a small GPU has; expected "
            "a smaller value, smaller windows or a larger GPU",
        ),
    ],
    ids=["no checkpointing yet", "nothing left", "unet"],
)
def test_advice_against_too_little_memory_is_usable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, plan: ModelPlan, recipe: dict, line: str
) -> None:
    def full(*_: object, **__: object) -> None:
        raise torch.cuda.OutOfMemoryError

    monkeypatch.setattr(cost, "measure_cost", full)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda _: "a small GPU")
    with pytest.raises(InputError) as caught:
        prepared(tmp_path, plan, **recipe)
    assert str(caught.value) == f"config, {line}"


@pytest.mark.parametrize(
    ("plan", "keys"),
    [
        (make_plan(), "models.B.head.batch_norm"),
        (make_plan(head_batch_norm="renorm"), None),
        (make_plan(backbone=UNET), "models.B.head.batch_norm and models.B.backbone.batch_norm"),
        (make_plan(backbone=UNET, head_channels=(), head_plain_output=True), "models.B.backbone.batch_norm"),
        (make_plan(backbone=UNET, trainable="head"), "models.B.head.batch_norm"),
        (make_plan(backbone=UNET | {"batch_norm": "renorm"}, head_batch_norm="renorm"), None),
    ],
    ids=["mixtral", "renorm", "unet", "preset", "frozen trunk", "renorm everywhere"],
)
def test_few_windows_are_warned_of_by_the_norms_there_are(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, plan: ModelPlan, keys: str | None
) -> None:
    prepared(tmp_path, plan, micro_batch_size=1)
    said = [message for message in caplog.messages if "only 1 window(s) at once" in message]
    assert [message.endswith(f"a larger training.micro_batch_size, or {keys}: renorm") for message in said] == (
        [True] if keys else []
    )


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.4, "0 s"),
        (59.4, "59 s"),
        (59.6, "1 min 0 s"),
        (75, "1 min 15 s"),
        (3599.7, "1 h 0 min"),
        (5400, "1 h 30 min"),
        (86_399, "23 h 59 min"),
        (86_400, "1 d 0 h"),
        (200_000, "2 d 7 h"),
    ],
)
def test_durations_as_people_say_them(seconds: float, text: str) -> None:
    assert describe_duration(seconds) == text
