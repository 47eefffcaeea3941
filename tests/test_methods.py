"""The methods text: each setting that it names changes its sentence, and only what was configured is said."""

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from rnatracks.config import validate_config
from rnatracks.methods import methods_text
from rnatracks.plans import expand_models
from rnatracks.samples import CellType

REPOSITORY = Path(__file__).parents[1]
SCHEMA = REPOSITORY / "config/schemas/config.schema.yaml"
CELL_TYPES = (CellType("GM12878", ontology="EFO:0002784"), CellType("NK", ontology="CL:0000623"))
CNN = {"type": "dilated_cnn", "hidden_size": 64, "num_hidden_layers": 10}


def changed(change: Callable[[dict], object] = lambda config: None) -> dict:
    """The published recipe with a change."""
    config = yaml.safe_load((REPOSITORY / "config/config.yaml").read_text())
    change(config)
    return config


def text(config: dict) -> str:
    filled = validate_config(config, SCHEMA)
    models = expand_models(filled, [cell_type.name for cell_type in CELL_TYPES])
    return "\n".join(methods_text(filled, CELL_TYPES, {"GM12878": 4, "NK": 1}, models, {"torch": "2.13.0"}))


def test_the_published_recipe_in_words() -> None:
    found = text(changed())
    for words in (
        "GM12878 (EFO:0002784, 4 samples), NK (CL:0000623, 1 sample)",
        "of hg38, with gene models from https://",
        "strands sum to 100,000,000 over",
        "windows of 32,000 bases, each sharing 16,000 bases",
        "more than 50% unknown bases or more than 50% blacklisted bases did not train",
        "Nothing was held out: all chromosomes trained, and all scores are training scores.",
        "Model genos fine-tunes ZhejiangLab/Genos-1.2B with causal attention",
        "all weights were trained",
        "kernel 9 to 256, 64 and 1 channels, each followed by batch normalisation, GELU and dropout of 0.1, then",
        "60 epochs in global batches of 256 windows with Adafactor, at a peak learning rate of 5e-05",
        "the first 0.05 of the steps",
        "bf16 precision and seed 42; the weights are those of the last epoch.",
        "weighted by the distance from a window's nearer end",
        "rounded to 4 significant digits",
        "shared by genes of one strand left out",
        "all bases with known sequence outside the blacklist. Expression",
        "left out, blacklisted bases included; scores",
        "blocks of 1,000,000 bases (1,000 resamples",
        "Software: torch 2.13.0.",
    ):
        assert words in found
    assert "simulated" not in found and "Excluded" not in found and "augmented" not in found


def test_one_sentence_describes_all_models_of_a_family() -> None:
    assert text(changed()).count("Model genos") == 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda c: c["genome"].update(assembly=None, fasta="my.fa", md5=None), "of my.fa, with"),
        (lambda c: c["normalisation"].update(total=2e5), "sum to 200,000 over"),
        (lambda c: c.update(exclude=["s7"]), "Excluded from the means: s7."),
        (lambda c: c.update(blacklist=None), "more than 50% unknown bases did not train"),
        (lambda c: c["windows"].update(size=512, overlap=128), "windows of 512 bases, each sharing 128 bases"),
        (lambda c: c["split"].update(test=["chr8"]), "Held out for testing: chr8. Windows that touch"),
        (
            lambda c: c["split"].update(test=["chr8"], valid=["chr9"]),
            "Held out for testing: chr8; set aside to watch training: chr9.",
        ),
        (
            lambda c: c["split"].update(valid=["chr9"]),
            "nothing; set aside to watch training: chr9, so that scores are those of training chromosomes, or of these",
        ),
        (lambda c: c.update(blacklist=None), "left out; scores are correlations across genes"),
        (lambda c: c.update(blacklist=None), "all bases with known sequence. Expression"),
        (lambda c: c["split"].update(valid=["chr9"]), "highest correlation on validation windows"),
        (lambda c: c["models"]["genos"].update(attention="bidirectional"), "bidirectional attention"),
        (lambda c: c["models"]["genos"].update(strands="reverse_complement"), "each cell type has one head"),
        (lambda c: c["models"]["genos"].update(trainable="lora", lora={"rank": 4}), "(rank 4, alpha 32)"),
        (lambda c: c["models"]["genos"]["head"].update(plain_output=True), "dropout of 0.1, except after the last one"),
        (lambda c: c["models"]["genos"]["head"].update(batch_norm="renorm"), "batch renormalisation"),
        (lambda c: c["models"]["genos"].update(control="shuffled_targets"), "As a control"),
        (
            lambda c: c["models"].update(cnn={"cell_types": "each", "backbone": CNN}),
            "Model cnn is a dilated convolutional network from random weights (hidden_size 64, num_hidden_layers 10",
        ),
        (
            lambda c: c["models"].update(more={"cell_types": ["NK"], "init_from": "genos-NK"}),
            "Model more starts from the model genos-NK",
        ),
        (lambda c: c["training"].update(epochs=0.5), "Training ran for 0.5 epochs"),
        (lambda c: c["training"].update(router_loss=0.01), "load-balancing loss of weight 0.01"),
        (
            lambda c: c["training"]["augmentation"].update(shift=64, reverse_complement=True),
            "augmented by shifts of up to 64 bases and reverse complements of half of the windows",
        ),
        (lambda c: c["prediction"].update(stitch="center"), "the window whose middle is nearest was taken"),
        (lambda c: c["prediction"].update(significant_digits=None), "inverse of the squash; unknown bases are 0"),
        (lambda c: c["genes"].update(shared_exons="count_for_each"), "shared by genes of one strand counted for each"),
        (lambda c: c["genes"].update(types=["protein_coding"]), "Expression of a gene of type protein_coding"),
        (lambda c: c["evaluation"].update(block_size=4000, resamples=200), "blocks of 4,000 bases (200 resamples"),
    ],
)
def test_a_changed_setting_changes_its_sentence(change: Callable[[dict], object], words: str) -> None:
    assert words not in text(changed())
    assert words in text(changed(change))


def test_simulated_data_are_called_so() -> None:
    demo = yaml.safe_load((REPOSITORY / "config/demo/config.yaml").read_text())
    filled = validate_config(demo, SCHEMA)
    named = [CellType("amber"), CellType("indigo")]
    samples = {"amber": 3, "indigo": 3}
    made = methods_text(filled, named, samples, expand_models(filled, list(samples)), {})
    assert made[0].startswith("We used simulated RNA-seq coverage of amber (3 samples), indigo (3 samples) on chr1")
    assert any("is a mixtral network from random weights (hidden_size 32" in paragraph for paragraph in made)


def test_many_cell_types_are_counted() -> None:
    filled = validate_config(changed(lambda config: config["models"]["genos"].update(cell_types=["c1"])), SCHEMA)
    many = [CellType(f"c{index}") for index in range(30)]
    made = methods_text(filled, many, {each.name: 2 for each in many}, expand_models(filled, ["c1"]), {})
    assert made[0].startswith("We used RNA-seq coverage of 30 cell types (60 samples) on chr1")
