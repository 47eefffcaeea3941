"""The model card: what was trained on what, readable by people and by the hub."""

from pathlib import Path

import pandas as pd
import pytest
import yaml

from rnatracks.modelcard import write_model_card
from rnatracks.provenance import Provenance
from rnatracks.training import TargetTrack

RECIPE = {"epochs": 60, "global_batch_size": 256, "learning_rate": 5.0e-5, "precision": "bf16", "seed": 42}


def write(folder: Path, **changes: object) -> str:
    folder.mkdir()
    places = [("chr1", "train"), ("chr1", "train"), ("chr2", "train"), ("chr8", "test"), ("chr10", "valid")]
    facts = {
        "name": "genos-B",
        "backbone": "ZhejiangLab/Genos-1.2B",
        "tracks": [
            TargetTrack("B.plus", Path("B.plus.bw"), 0.10137),
            TargetTrack("B.minus", Path("B.minus.bw"), 0.09643),
        ],
        "windows": pd.DataFrame(places, columns=["chrom", "split"]),
        "window_size": 32_000,
        "settings": RECIPE,
        "history": pd.DataFrame({"loss": [3.0, 1.25, None], "valid_loss": [None, None, 1.5]}),
        "total": 1e8,
        "shuffled": False,
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
    assert "| B.plus | 0.10137 |\n| B.minus | 0.09643 |\n" in card
    assert "rnatracks at commit 0123abc." in card
    assert "Backbone: `ZhejiangLab/Genos-1.2B`." in card
    assert "3 windows of split `train`, on chr1, chr2;" in card
    assert "a total of 1e+08 over the chosen chromosomes" in card
    assert "windows of 32,000 bases" in card
    assert "Last training loss 1.2500, validation loss 1.5000 (training with dropout" in card
    assert "control" not in card.lower()
    recipe = card.split("```yaml\n")[1].split("```")[0]
    assert yaml.safe_load(recipe) == RECIPE


def test_front_matter_is_yaml(folder: Path) -> None:
    _, front, text = write(folder).split("---\n", 2)
    assert yaml.safe_load(front) == {"library_name": "transformers", "tags": ["genomics", "rna-seq", "rnatracks"]}
    assert text.lstrip().startswith("# genos-B")


def test_what_is_unknown_is_left_out(folder: Path) -> None:
    history = pd.DataFrame({"loss": [3.0, 1.25], "valid_loss": [float("nan")] * 2})
    card = write(folder, provenance=Provenance(None, {}), history=history)
    assert "Trained with rnatracks.\n" in card
    assert "Last training loss 1.2500 (" in card
    assert "nan" not in card.lower()
    assert "None" not in card


def test_control_says_so(folder: Path) -> None:
    assert "**A control: its targets were shuffled over windows." in write(folder, shuffled=True)


def test_random_backbone_is_described(folder: Path) -> None:
    card = write(folder, backbone={"type": "mixtral", "hidden_size": 32})
    assert "Backbone: random weights, {'type': 'mixtral', 'hidden_size': 32}." in card


def test_card_says_what_was_held_out(folder: Path) -> None:
    card = write(folder)
    assert "on chr1, chr2; test: chr8; valid: chr10." in card


def test_card_says_that_nothing_was_held_out(folder: Path) -> None:
    windows = pd.DataFrame([("chr1", "train")], columns=["chrom", "split"])
    assert "on chr1; nothing was held out." in write(folder, windows=windows)
