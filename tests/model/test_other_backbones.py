"""Backbones other than Mixtral: trained, saved, loaded and predicted with, or refused before any data is read."""

import itertools
import json
import logging
from pathlib import Path

import numpy as np
import pytest
import torch
from backbones import BASE_IDS, POSITIONS, save_backbone
from jobs import make_job, make_plan, write_data
from safetensors.torch import load_file
from standin import FLOAT32, predict

from rnatracks.errors import InputError
from rnatracks.genome.sequence import Genome
from rnatracks.model.build import assemble
from rnatracks.model.folder import load_model, save_model
from rnatracks.model.trial_pass import check_half_precision
from rnatracks.prediction.predict import TilePlan, track_views
from rnatracks.prediction.stitching import Stitch, View
from rnatracks.training import train as training
from rnatracks.training.train import train


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_data(tmp_path_factory.mktemp("data"))


def plan_of(folder: Path, kind: str, attention: str = "causal", **changes: object):
    return make_plan(backbone=str(save_backbone(folder, kind)), attention=attention, **changes)


@pytest.mark.parametrize(
    ("kind", "attention"),
    [
        ("gpt2", "causal"),
        ("gpt2", "bidirectional"),
        ("bloom", "causal"),
        ("mamba", "causal"),
        ("nemotron_h", "causal"),
        ("nemotron_h", "bidirectional"),
        ("bert", "bidirectional"),
        ("esm", "bidirectional"),
        ("modernbert", "bidirectional"),
        ("roberta", "bidirectional"),
    ],
)
def test_a_model_is_trained_saved_loaded_and_predicts(
    kind: str, attention: str, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []

    class Recorder(training.WindowTrainer):
        def __init__(self, **settings: object) -> None:
            super().__init__(**settings)
            made.append(self)

    monkeypatch.setattr(training, "WindowTrainer", Recorder)
    job = make_job(data, tmp_path / "B", plan_of(tmp_path / "b", kind, attention), learning_rate=1e-2)
    train(job)
    loaded, trained = load_model(job.target, "cpu"), made[0].model.eval()
    assert loaded.config.token_ids == BASE_IDS
    assert track_views(loaded) == [View.LEFT if attention == "causal" else View.BOTH] * 2
    for name, value in trained.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], value), name
    tiles = TilePlan(size=64, overlap=32, stitch=Stitch.CONTEXT)
    found = predict([loaded], Genome(data / "genome.fa"), "chr3", tiles=tiles)
    np.testing.assert_array_equal(
        found, predict([trained], Genome(data / "genome.fa"), "chr3", tiles=tiles, precision=FLOAT32)
    )
    # Every weight learned, but for tokens that are not in the data and positions beyond the window.
    before = load_file(tmp_path / "b" / "model.safetensors")
    after = loaded.backbone.state_dict()
    still = [name for name in after if name in before and torch.equal(after[name], before[name])]
    assert [name for name in still if not name.startswith("contact_head")] == []


@pytest.mark.parametrize("kind", ["gpt2", "bert", "mamba"])
def test_a_model_goes_on_from_another_of_its_kind(kind: str, data: Path, tmp_path: Path) -> None:
    attention = "bidirectional" if kind == "bert" else "causal"
    first = make_job(data, tmp_path / "B", plan_of(tmp_path / "b", kind, attention))
    train(first)
    plan = make_plan(name="NK", backbone=None, init_from="B", attention=attention)
    second = make_job(data, tmp_path / "NK", plan, start=first.target)
    train(second)
    assert load_model(second.target, "cpu").config.backbone_config.is_causal == (attention == "causal")


def test_a_base_whose_token_is_the_padding_learns(data: Path, tmp_path: Path) -> None:
    """An embedding gives no gradient to the row of its padding."""
    folder = save_backbone(tmp_path / "b", "mixtral", pad_token_id=BASE_IDS["C"])
    job = make_job(data, tmp_path / "B", make_plan(backbone=str(folder)), learning_rate=1e-2)
    train(job)
    plan = make_plan(backbone=None, init_from="B")
    second = make_job(data, tmp_path / "NK", plan, start=job.target, learning_rate=1e-2)
    train(second)
    rows = [load_file(folder / "model.safetensors")["embed_tokens.weight"]] + [
        load_file(target / "model.safetensors")["backbone.embed_tokens.weight"]
        for target in (job.target, second.target)
    ]
    for before, after in itertools.pairwise(rows):
        moved = (before != after).any(1)
        assert [base for base in "ACGT" if not moved[BASE_IDS[base]]] == []


# --- Refused


@pytest.mark.parametrize(
    ("kind", "attention", "line"),
    [
        (
            "bert",
            "causal",
            "config, models.B.attention: found causal, but backbone '{b}' sees both sides; expected bid",
        ),
        ("modernbert", "causal", "config, models.B.attention: found causal, but backbone '{b}' sees both sides; "),
        (
            "mamba",
            "bidirectional",
            "config, models.B.attention: found bidirectional, but backbone '{b}' sees only the ",
        ),
        (
            "rwkv",
            "bidirectional",
            "config, models.B.attention: found bidirectional, but backbone '{b}' sees only the ",
        ),
        ("t5", "causal", "backbone '{b}': found an encoder with a decoder (t5); expected "),
        ("vit", "causal", "backbone '{b}': found AttributeError: "),
    ],
)
@pytest.mark.parametrize("spoilt", ["windows.bed.gz", "genome.fa.fai"])
def test_a_backbone_that_will_not_do_is_refused_before_data(
    kind: str, attention: str, line: str, spoilt: str, tmp_path: Path
) -> None:
    data = write_data(tmp_path / "data")
    (data / spoilt).write_bytes(b"not read")
    with pytest.raises(InputError) as refusal:
        train(make_job(data, tmp_path / "B", plan_of(tmp_path / "b", kind, attention)))
    assert str(refusal.value).startswith(line.format(b=tmp_path / "b"))
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("kind", "settings", "line"),
    [
        (
            "albert",
            {"gradient_checkpointing": True},
            "config, training.gradient_checkpointing: found true, which albert does not support; expected false",
        ),
        (
            "xlnet",
            {"gradient_checkpointing": True},
            "config, training.gradient_checkpointing: found true, which xlnet does not support; expected false",
        ),
        ("deberta", {"precision": "bf16"}, "config, training.precision: found bf16, in which deberta does not run ("),
    ],
)
def test_a_recipe_that_a_network_cannot_follow_is_refused_before_data(
    kind: str, settings: dict[str, object], line: str, tmp_path: Path
) -> None:
    """Both are defaults."""
    data = write_data(tmp_path / "data")
    (data / "windows.bed.gz").write_bytes(b"not read")
    with pytest.raises(InputError) as refusal:
        train(make_job(data, tmp_path / "B", plan_of(tmp_path / "b", kind, "bidirectional"), **settings))
    assert str(refusal.value).startswith(line)
    assert "\n" not in str(refusal.value)


def test_a_network_that_needs_float32_is_not_predicted_in_half(tmp_path: Path) -> None:
    model = load_model(start_of(tmp_path, "deberta", "bidirectional"), "cpu")
    with pytest.raises(
        InputError, match=r"^prediction.precision: found bf16, in which .* run \(.*\); expected float32"
    ):
        check_half_precision(model, "prediction.precision")
    assert not model.training


@pytest.mark.parametrize(
    ("kind", "attention", "missing"),
    [
        ("gpt2", "causal", "q_proj, k_proj, v_proj, o_proj"),
        ("bloom", "causal", "q_proj, k_proj, v_proj, o_proj"),
        ("mamba", "causal", "q_proj, k_proj, v_proj, o_proj"),
        ("bert", "bidirectional", "q_proj, k_proj, v_proj, o_proj"),
        ("opt", "causal", "o_proj"),
    ],
)
def test_low_rank_updates_need_all_projections(kind: str, attention: str, missing: str, tmp_path: Path) -> None:
    with pytest.raises(InputError) as refusal:
        assemble(plan_of(tmp_path, kind, attention, trainable="lora"), [], window_size=64)
    assert str(refusal.value) == (
        f"config, models.B.trainable: found 'lora', on a {kind} without {missing}; "
        "expected all or head, because low-rank updates need these attention projections"
    )


@pytest.mark.parametrize("trainable", ["head", "lora"])
def test_part_of_a_hybrid_trains(trainable: str, tmp_path: Path) -> None:
    """Its state-space layers have no attention, the others do."""
    model, _ = assemble(plan_of(tmp_path, "nemotron_h", trainable=trainable), [], window_size=64)
    trained = {name for name, value in model.named_parameters() if value.requires_grad}
    assert bool([name for name in trained if "lora_" in name]) == (trainable == "lora")
    assert all("lora_" in name or name.startswith("heads.") for name in trained)


# --- Starts


def start_of(folder: Path, kind: str, attention: str) -> Path:
    model, tokenizer = assemble(plan_of(folder / "b", kind, attention), [], window_size=64)
    model.config.tracks, model.config.track_means = ["B.plus"], [1.0]
    model = type(model)(model.config, model.backbone)
    save_model(model, tokenizer, folder / "first")
    return folder / "first"


def start_from(folder: Path, attention: str, window_size: int = 64):
    plan = make_plan(name="NK", family="late", backbone=None, init_from="first", attention=attention)
    return assemble(plan, [], window_size=window_size, start=folder)[0]


@pytest.mark.parametrize("kind", ["mixtral", "bert", "gpt2"])
def test_a_start_that_sees_both_sides_is_not_masked(kind: str, tmp_path: Path) -> None:
    folder = start_of(tmp_path, kind, "bidirectional")
    with pytest.raises(InputError) as refusal:
        start_from(folder, "causal")
    assert str(refusal.value) == (
        f"config, models.late.attention: found causal, but the model {folder} sees both sides; expected bidirectional"
    )
    assert not start_from(folder, "bidirectional").config.backbone_config.is_causal


@pytest.mark.parametrize("kind", ["mixtral", "gpt2", "bloom"])
def test_a_causal_start_may_be_opened(kind: str, tmp_path: Path) -> None:
    model = start_from(start_of(tmp_path, kind, "causal"), "bidirectional").eval()
    tokens = torch.full((2, 20), BASE_IDS["A"])
    tokens[1, -1] = BASE_IDS["C"]
    with torch.no_grad():
        first, edited = model.backbone(input_ids=tokens).last_hidden_state
    assert (first[:-1] != edited[:-1]).any()
    assert not model.config.backbone_config.is_causal


def test_a_state_space_start_stays_as_it_is(tmp_path: Path) -> None:
    folder = start_of(tmp_path, "mamba", "causal")
    with pytest.raises(InputError, match="found bidirectional, but the model .* sees only the bases to the left"):
        start_from(folder, "bidirectional")


def test_a_start_of_any_length_takes_longer_windows(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Rotary positions go on beyond what was trained; state-space models and linear biases have no limit."""
    for kind, warned in (("mixtral", True), ("mamba", False), ("bloom", False)):
        folder = start_of(tmp_path / kind, kind, "causal")
        caplog.clear()
        with caplog.at_level(logging.WARNING, "rnatracks"):
            model = start_from(folder, "causal", POSITIONS + 50).eval()
        assert [message for message in caplog.messages if "at most 256 bases" in message] == caplog.messages
        assert bool(caplog.messages) == warned
        tokens = torch.full((1, POSITIONS + 50), BASE_IDS["G"])
        with torch.no_grad():
            assert model.backbone(input_ids=tokens).last_hidden_state.shape[1] == POSITIONS + 50


@pytest.mark.parametrize(("kind", "attention"), [("gpt2", "causal"), ("bert", "bidirectional")])
def test_a_start_with_a_weight_a_position_does_not(kind: str, attention: str, tmp_path: Path) -> None:
    folder = start_of(tmp_path, kind, attention)
    with pytest.raises(InputError, match=f"^{folder}, to start from: found .*; expected windows.size of at most 256"):
        start_from(folder, attention, POSITIONS + 1)


def test_a_start_whose_positions_end_early_is_measured(tmp_path: Path) -> None:
    folder = start_of(tmp_path, "roberta", "bidirectional")
    start_from(folder, "bidirectional", POSITIONS - 1)
    with pytest.raises(InputError, match="found at most 255 positions; expected at least windows.size = 256"):
        start_from(folder, "bidirectional", POSITIONS)


def test_a_start_whose_limit_cannot_move_is_refused(tmp_path: Path) -> None:
    """MPT's linear biases are a table of max_seq_len."""
    folder = start_of(tmp_path, "mpt", "causal")
    with pytest.raises(InputError, match="found at most 256 positions; expected at least windows.size = 300"):
        start_from(folder, "causal", 300)


# --- What is recorded is what is seen


@pytest.mark.parametrize(
    ("kind", "attention", "recorded", "view"),
    [("modernbert", "bidirectional", True, View.BOTH), ("mamba", "causal", False, View.LEFT)],
)
def test_older_folders_are_predicted_as_they_see(
    kind: str, attention: str, recorded: bool, view: View, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """They recorded what was asked for."""
    folder = start_of(tmp_path, kind, attention)
    settings = json.loads((folder / "config.json").read_text())
    settings["backbone_config"]["is_causal"] = recorded
    (folder / "config.json").write_text(json.dumps(settings))
    with caplog.at_level(logging.WARNING, "rnatracks"):
        model = load_model(folder, "cpu")
    assert track_views(model) == [view]
    seen = "both sides" if view is View.BOTH else "only the bases to the left"
    assert f"{folder}: its backbone sees {seen}, which contradicts its config.json" in caplog.messages


def test_resumed_training_sees_what_it_saw(data: Path, tmp_path: Path) -> None:
    """Checkpoints keep what a backbone sees; another attention is another recipe."""
    job = make_job(data, tmp_path / "B", plan_of(tmp_path / "b", "gpt2"))
    other = job.model_copy(update={"plan": job.plan.model_copy(update={"attention": "bidirectional"})})
    train(job)
    train(other)
    assert track_views(load_model(other.target, "cpu")) == [View.BOTH] * 2
