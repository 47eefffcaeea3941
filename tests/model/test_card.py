"""The model card: what was trained on what, readable by people and by the hub."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from types import MappingProxyType

import pandas as pd
import pytest
import yaml
from jobs import make_plan
from models import SPEC, small_model
from transformers import MambaConfig, MixtralConfig, PreTrainedConfig

from rnatracks.config.data import NormalisationSettings
from rnatracks.config.training import TrainingSettings
from rnatracks.model.card import write_model_card
from rnatracks.model.dilated_cnn import DilatedCNNConfig
from rnatracks.model.network import CoverageConfig
from rnatracks.model.plan import ModelPlan
from rnatracks.model.seen_chromosomes import SeenSequence
from rnatracks.model.unet import UNetConfig
from rnatracks.provenance import Provenance
from rnatracks.tracks.targets import TargetTrack

RECIPE = TrainingSettings()
CNN = {"type": "dilated_cnn", "hidden_size": 16, "num_hidden_layers": 2, "kernel_size": 3, "dropout": 0.1}
LIMIT = "A causal backbone sees only the sequence to the left of a base, so the minus strand is at a disadvantage."
NAN = float("nan")


def genos(**changes: object) -> ModelPlan:
    return make_plan(**{"name": "genos-B", "family": "genos", "backbone": "ZhejiangLab/Genos-1.2B"} | changes)


def make_history(scores: tuple[float, ...] = (0.71, 0.83456, 0.79)) -> pd.DataFrame:
    """A training log of one epoch a validation score, with a step without one between them."""
    rows = []
    for epoch, score in enumerate(scores, 1):
        rows.append({"step": 2 * epoch - 1, "epoch": epoch - 0.5, "loss": 4.0 - epoch})
        rows.append({"step": 2 * epoch, "epoch": float(epoch), "valid_loss": 1.0 + epoch, "valid_pearson_log1p": score})
    return pd.DataFrame(rows)


def write(
    folder: Path,
    backbone_config: PreTrainedConfig | None = None,
    *,
    sees_right: bool | None = None,
    seen: Sequence[SeenSequence] = (),
    head: Mapping[str, object] = MappingProxyType({}),
    **changes: object,
) -> str:
    """Write the card of a saved model; what it is called for differs by `changes`."""
    CoverageConfig(
        backbone_config=backbone_config or MixtralConfig(),
        sees_right=sees_right,
        seen_sequences=[asdict(sequence) for sequence in seen],
        **head,
    ).save_pretrained(folder)
    places = [("chr1", "train"), ("chr1", "train"), ("chr2", "train"), ("chr8", "test"), ("chr10", "valid")]
    facts = {
        "plan": genos(),
        "tracks": [
            TargetTrack("B.plus", Path("B.plus.bw"), 0.10137),
            TargetTrack("B.minus", Path("B.minus.bw"), 0.09643),
        ],
        "windows": pd.DataFrame(places, columns=["chrom", "split"]),
        "window_size": 32_000,
        "settings": RECIPE,
        "history": make_history(),
        "normalisation": NormalisationSettings(),
        "provenance": Provenance("0123abc", {"python": "3.11.7", "torch": "2.13.0"}),
    }
    write_model_card(folder, **facts | changes)
    return (folder / "README.md").read_text()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "model"


def test_card_names_data_and_recipe(folder: Path) -> None:
    card = write(folder)
    assert "# genos-B\n" in card
    assert "Predicts single-base RNA-seq coverage from DNA: B.plus, B.minus." in card
    assert "| B.plus | 0.10137 |\n| B.minus | 0.09643 |\n" in card
    assert "rnatracks at commit 0123abc." in card
    assert "3 windows of split `train`, on chr1, chr2;" in card
    assert (
        "Each sample was scaled so that its strands sum to 100,000,000 over the chosen chromosomes. m is the mean over "
        "bases with signal, averaged over the strands of a cell type.\n"
    ) in card
    assert "windows of 32,000 bases" in card
    assert "Last training loss 1.0000 (with dropout). " in card
    assert "Software: python 3.11.7, torch 2.13.0.\n" in card
    assert "control" not in card.lower()
    recipe = card.split("```yaml\n")[1].split("```")[0]
    assert TrainingSettings(**yaml.safe_load(recipe)) == RECIPE


def test_card_names_another_normalisation(folder: Path) -> None:
    card = write(folder, normalisation=NormalisationSettings(total=1e6, per="file", over="all", track_mean="track"))
    assert (
        "Each file was scaled so that it sums to 1,000,000 over all its chromosomes. m is the mean over bases with "
        "signal of each track.\n"
    ) in card


@pytest.mark.parametrize(
    ("backbone", "head", "words"),
    [
        (MixtralConfig(), {"head_dropout": 0.0}, "1.0000. "),
        (MixtralConfig(attention_dropout=0.1), {"head_dropout": 0.0}, "1.0000 (with dropout). "),
        (UNetConfig(), {"head_channels": [], "head_plain_output": True}, "1.0000. "),
        (UNetConfig(dropout=0.2), {"head_channels": [], "head_plain_output": True}, "1.0000 (with dropout). "),
    ],
    ids=["none", "attention", "no layer with dropout", "unet"],
)
def test_dropout_is_mentioned_if_there_is_any(folder: Path, backbone: PreTrainedConfig, head: dict, words: str) -> None:
    assert f"Last training loss {words}" in write(folder, backbone, head=head)


def test_front_matter_is_yaml(folder: Path) -> None:
    _, front, text = write(folder).split("---\n", 2)
    assert yaml.safe_load(front) == {"library_name": "transformers", "tags": ["genomics", "rna-seq", "rnatracks"]}
    assert text.lstrip().startswith("# genos-B")


def test_what_is_unknown_is_left_out(folder: Path) -> None:
    columns = ["step", "epoch", "learning_rate", "loss", "valid_loss", "valid_pearson_log1p"]
    history = pd.DataFrame({"step": [1, 2], "loss": [3.0, 1.25]}).reindex(columns=columns)
    card = write(folder, provenance=Provenance(None, {}), history=history)
    assert "Trained with rnatracks.\n" in card
    assert "Last training loss 1.2500 (with dropout). Software" in card
    assert "nan" not in card.lower()
    assert "None" not in card


def test_control_says_so(folder: Path) -> None:
    card = write(folder, plan=genos(control="shuffled_targets"))
    assert (
        "**This model is a control: its targets were shuffled between windows. Do not use it to predict.**\n\n" in card
    )


# --- What the model is made of


@pytest.mark.parametrize(
    ("plan", "description"),
    [
        (
            genos(),
            "Backbone: `ZhejiangLab/Genos-1.2B`, with causal attention, so that",
        ),
        (
            genos(attention="bidirectional"),
            "Backbone: `ZhejiangLab/Genos-1.2B`, with bidirectional attention over",
        ),
        (
            genos(backbone=None, init_from="pan"),
            "Backbone: that of the model `pan`, with causal attention, so that",
        ),
        (
            genos(backbone=SPEC),
            f"Backbone: random weights, {SPEC}, with causal attention, so that",
        ),
    ],
    ids=["pretrained", "bidirectional", "init_from", "random"],
)
def test_backbone_is_described(folder: Path, plan: ModelPlan, description: str) -> None:
    assert description in write(folder, plan=plan)


@pytest.mark.parametrize("attention", ["causal", "bidirectional"])
@pytest.mark.parametrize(
    ("origin", "description"),
    [
        ({"backbone": CNN}, f"random weights, {CNN}"),
        ({"backbone": None, "init_from": "cnn"}, "that of the model `cnn`"),
    ],
    ids=["random", "init_from"],
)
def test_convolutions_look_both_ways_whatever_the_plan_says(
    folder: Path, attention: str, origin: dict, description: str
) -> None:
    card = write(folder, DilatedCNNConfig(), plan=genos(attention=attention, **origin))
    assert f"Backbone: {description}, whose convolutions look both ways." in card
    assert "attention" not in card
    assert LIMIT not in card


@pytest.mark.parametrize(
    ("attention", "strands", "limited"),
    [
        ("causal", "heads", True),
        ("bidirectional", "heads", False),
        ("causal", "reverse_complement", False),
        ("bidirectional", "reverse_complement", False),
    ],
)
def test_causal_limit_is_told_only_where_it_is_one(folder: Path, attention: str, strands: str, limited: bool) -> None:
    card = write(folder, plan=genos(attention=attention, strands=strands))
    assert (LIMIT in card) == limited
    assert card.rstrip().endswith(LIMIT if limited else "overlap windows and blend them.")


@pytest.mark.parametrize("sees_right", [True, False])
def test_card_says_what_the_backbone_was_found_to_see(folder: Path, sees_right: bool) -> None:
    card = write(folder, sees_right=sees_right)
    assert ("with bidirectional attention" in card) == sees_right
    assert (LIMIT in card) == (not sees_right)


def test_a_network_without_attention_is_given_none(folder: Path) -> None:
    card = write(folder, MambaConfig(), sees_right=False)
    assert "Backbone: `ZhejiangLab/Genos-1.2B`, which reads from left to right." in card
    assert "attention" not in card
    assert LIMIT in card


def test_strands_are_described(folder: Path) -> None:
    assert "Strands: each track has its own head." in write(folder)
    card = write(folder, plan=genos(strands="reverse_complement"))
    assert (
        "Strands: each cell type has one head, which reads the sequence for the plus strand and its reverse complement "
        in card
    )


@pytest.mark.parametrize(
    ("trainable", "description"),
    [
        ("all", "Trained: all weights. "),
        ("head", "Trained: only the heads. "),
        (
            "lora",
            "Trained: the heads and low-rank updates of the attention (rank 4, alpha 8), merged into the ",
        ),
    ],
)
def test_card_says_what_was_trained(folder: Path, trainable: str, description: str) -> None:
    card = write(folder, plan=genos(trainable=trainable))
    assert description in card
    assert ("`adapter/`" in card) == (trainable == "lora")


# --- Validation


def test_best_epoch_is_that_of_the_highest_score(folder: Path) -> None:
    """Not that of the lowest loss, the first."""
    sentence = (
        "The weights are those of the epoch with the highest correlation on validation windows. Validation windows "
        "after that epoch (2 of 3): loss 3.0000, pearson_log1p 0.8346. "
    )
    assert sentence in write(folder)


def test_first_of_several_best_epochs_is_the_one_kept(folder: Path) -> None:
    assert "after that epoch (2 of 3)" in write(folder, history=make_history((0.5, 0.8, 0.8)))


def test_last_epoch_is_the_last(folder: Path) -> None:
    card = write(folder, settings=TrainingSettings(keep="last"))
    assert "of the last epoch, as configured (keep: last). Validation windows after that epoch (3 of 3): loss 4" in card
    assert "pearson_log1p 0.7900. " in card


def test_a_control_is_never_said_to_have_its_best_weights(folder: Path) -> None:
    """The Trainer does not choose an epoch of a control, whatever training.keep says."""
    card = write(folder, plan=genos(control="shuffled_targets"))
    assert "of the last epoch, as for all controls. Validation windows after that epoch (3 of 3)" in card


def test_last_epoch_may_have_no_correlation(folder: Path) -> None:
    card = write(folder, settings=TrainingSettings(keep="last"), history=make_history((0.7, 0.8, NAN)))
    assert "Validation windows after that epoch (3 of 3): loss 4.0000, pearson_log1p undefined. " in card


def test_epochs_without_a_correlation_are_never_the_best(folder: Path) -> None:
    assert "after that epoch (1 of 3)" in write(folder, history=make_history((0.7, NAN, NAN)))


def test_without_any_correlation_the_last_weights_are_kept(folder: Path) -> None:
    card = write(folder, history=make_history((NAN, NAN)))
    assert "of the last epoch, because no correlation on validation windows could be computed. Validation" in card
    assert "after that epoch (2 of 2): loss 3.0000, pearson_log1p undefined. " in card


@pytest.mark.parametrize("keep", ["best", "last"])
def test_no_validation_no_sentence(folder: Path, keep: str) -> None:
    history = make_history().assign(valid_loss=NAN, valid_pearson_log1p=NAN)
    assert "Validation windows" not in write(folder, history=history, settings=TrainingSettings(keep=keep))


def test_card_says_what_was_held_out(folder: Path) -> None:
    card = write(folder)
    assert "on chr1, chr2; test: chr8; valid: chr10." in card


def test_card_says_that_nothing_was_held_out(folder: Path) -> None:
    windows = pd.DataFrame([("chr1", "train")], columns=["chrom", "split"])
    assert "on chr1; nothing was held out." in write(folder, windows=windows)


def test_card_lists_what_the_model_has_seen(folder: Path) -> None:
    seen = [
        SeenSequence(name="chr1", length=248_956_422, md5="2648ae1bacce4ec4b6cf337dcae37816", split="train"),
        SeenSequence(name="chr8", length=145_138_636, md5="67e763888b66c7d47b01b8c3dd0b1ba7", split="valid"),
    ]
    card = write(folder, seen=seen)
    assert "| chr1 | train | 248,956,422 | 2648ae1bacce4ec4b6cf337dcae37816 |\n" in card
    assert "| chr8 | valid | 145,138,636 | 67e763888b66c7d47b01b8c3dd0b1ba7 |\n\n## Recipe" in card
    assert "| MD5 |" not in write(folder)


def test_card_says_the_type_of_the_weights(folder: Path) -> None:
    assert "Weights are saved in float32." in write(folder)


# --- A card in its place


def test_card_of_a_trained_model(folder: Path) -> None:
    """In the folder that saving a model leaves."""
    small_model().save_pretrained(folder)
    windows = pd.DataFrame([("chr1", "train")], columns=["chrom", "split"])
    write_model_card(
        folder,
        plan=make_plan(backbone=SPEC),
        tracks=[TargetTrack("B.plus", Path("B.plus.bw"), 0.5)],
        windows=windows,
        window_size=64,
        settings=RECIPE,
        history=make_history(),
        normalisation=NormalisationSettings(),
        provenance=Provenance(None, {}),
    )
    assert "with causal attention" in (folder / "README.md").read_text()
