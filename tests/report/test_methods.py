"""The methods text: each setting that it names changes its sentence, and only what was configured is said."""

import io
import itertools
from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd
import pytest
import yaml

from rnatracks.config.settings import read_settings
from rnatracks.model.plan import expand_models
from rnatracks.model.training_result import TrainedModel, describe_sight, kept_weights
from rnatracks.report.methods import methods_text
from rnatracks.samples.sample import CellType

REPOSITORY = Path(__file__).parents[2]
CELL_TYPES = (CellType("GM12878", ontology="EFO:0002784"), CellType("NK", ontology="CL:0000623"))
CNN = {"type": "dilated_cnn", "hidden_size": 64, "num_hidden_layers": 10}


def changed(change: Callable[[dict], object] = lambda config: None) -> dict:
    """The published recipe with a change."""
    config = yaml.safe_load((REPOSITORY / "config/config.yaml").read_text())
    change(config)
    return config


def trained(
    models: dict, log: str, keep: str = "best", config: dict | None = None, precisions: Sequence[str | None] = (None,)
) -> dict[str, TrainedModel]:
    """What became of models that have one training log, read from text, and one `config.json`."""
    table = pd.read_csv(io.StringIO(log), sep=" ")
    return {
        name: TrainedModel(
            kept_weights(table, keep, plan.control),
            describe_sight(config or {"backbone_config": {"model_type": "mixtral"}}, plan.attention),
            precision,
        )
        for (name, plan), precision in zip(models.items(), itertools.cycle(precisions), strict=False)
    }


UNWATCHED = "epoch valid_loss valid_pearson_log1p\n59.9 NaN NaN\n"
WATCHED = "epoch valid_loss valid_pearson_log1p\n1 0.3 0.5\n2 0.2 0.7\n60 0.2 0.6\n"
UNSCORED = "epoch valid_loss valid_pearson_log1p\n1 0.3 NaN\n60 0.2 NaN\n"


def text(
    config: dict, log: str = UNWATCHED, folder: dict | None = None, precisions: Sequence[str | None] = (None,)
) -> str:
    filled = read_settings(config)
    models = expand_models(filled.models, [cell_type.name for cell_type in CELL_TYPES])
    became = trained(models, log, filled.training.keep, folder, precisions)
    return "\n".join(methods_text(filled, CELL_TYPES, {"GM12878": 4, "NK": 1}, models, became, {"torch": "2.13.0"}))


def test_the_published_recipe_in_words() -> None:
    found = text(changed())
    for words in (
        "GM12878 (EFO:0002784, 4 samples), NK (CL:0000623, 1 sample)",
        "of hg38, with gene models from https://",
        "strands sum to 100,000,000 over",
        "windows of 32,000 bases, each overlapping the next by 16,000 bases",
        "more than 50% unknown bases or more than 50% blacklisted bases were not used for training",
        "Nothing was held out: all chromosomes were used for training, so all scores are training scores.",
        "Model genos fine-tunes ZhejiangLab/Genos-1.2B, a network with causal attention",
        "all weights were trained",
        "size 9 and 256, 64 and 1 channels, each followed by batch normalisation, GELU and dropout of 0.1, and then",
        "60 epochs in global batches of 256 windows with Adafactor, at a peak learning rate of 5e-05",
        "the first 0.05 of the steps",
        "bf16 precision and seed 42. The weights are those of the last epoch, because no validation window was used.",
        "weighted by the distance of the base from the nearer end of each window",
        "rounded to 4 significant digits",
        "genes on the same strand share (on either strand, if tracks are unstranded) were left out",
        "from at most 1,000,000 sampled bases",
        "all bases with known sequence outside the blacklist. The expression",
        "left out; blacklisted bases were counted. Gene-level scores",
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
        (
            lambda c: c["normalisation"].update(per="file"),
            "Each file was scaled so that it sums to 100,000,000",
        ),
        (
            lambda c: c["normalisation"].update(over="all", track_mean="track"),
            "its strands sum to 100,000,000 over all chromosomes of its files; the",
        ),
        (
            lambda c: c["normalisation"].update(track_mean="track"),
            "m is the mean over bases with signal of each ",
        ),
        (lambda c: c["prediction"].update(stitch="mean_raw"), "is their unweighted mean on the scale of coverage."),
        (lambda c: c.update(exclude=["s7"]), "Excluded from the means: s7."),
        (lambda c: c.update(blacklist=None), "more than 50% unknown bases were not used for training"),
        (
            lambda c: c["windows"].update(size=512, overlap=128),
            "windows of 512 bases, each overlapping the next by 128 bases",
        ),
        (
            lambda c: c["training"].update(optimizer="adamw", weight_decay=0.01),
            "AdamW with a weight decay of 0.01, at",
        ),
        (lambda c: c["training"].update(schedule="constant"), "0.05 of the steps and a constant rate after them, gr"),
        (
            lambda c: c["prediction"].update(overlap=64),
            "same size, each overlapping the next by 64 bases. Where",
        ),
        (lambda c: c["split"].update(test=["chr8"]), "Held out for testing: chr8. Windows on these"),
        (
            lambda c: c["split"].update(test=["chr8"], valid=["chr9"]),
            "Held out for testing: chr8; set aside for validation during training: chr9.",
        ),
        (
            lambda c: c["split"].update(valid=["chr9"]),
            "nothing; set aside for validation during training: chr9. Windows on these chromosomes were",
        ),
        (
            lambda c: c["split"].update(valid=["chr9"]),
            "All scores are therefore from training or validation chromosomes.",
        ),
        (lambda c: c.update(blacklist=None), "left out. Gene-level scores are correlations across genes"),
        (lambda c: c.update(blacklist=None), "all bases with known sequence. The expression"),
        (lambda c: c["models"]["genos"].update(attention="bidirectional"), "bidirectional attention"),
        (lambda c: c["models"]["genos"].update(strands="reverse_complement"), "each cell type has one head"),
        (lambda c: c["models"]["genos"].update(trainable="lora", lora={"rank": 4}), "(rank 4, alpha 32)"),
        (lambda c: c["models"]["genos"]["head"].update(plain_output=True), "dropout of 0.1, except after the last one"),
        (lambda c: c["models"]["genos"]["head"].update(batch_norm="renorm"), "batch renormalisation"),
        (
            lambda c: c["models"]["genos"]["head"].update(scale="outside"),
            "and then softplus, which is multiplied by the softplus of a learnable scale (initial value 0); each track",
        ),
        (
            lambda c: c["models"]["genos"].update(head={"type": "unet", "dilations": []}),
            "The heads share a U-Net over the last hidden states (512-768-1024 channels, each level of half the length "
            "of the one before, kernel size 5, batch normalisation, GELU, dropout of 0.1); each head then consists of",
        ),
        (lambda c: c["models"]["genos"].update(control="shuffled_targets"), "As a control"),
        (
            lambda c: c["models"].update(cnn={"cell_types": "each", "backbone": CNN}),
            "Model cnn is a randomly initialised dilated convolutional network (hidden_size 64, num_hidden_layers 10",
        ),
        (
            lambda c: c["models"].update(net={"cell_types": ["NK"], "preset": "unet"}),
            "Model net is a randomly initialised U-Net network (widths 32-48-64-96-128-128-128, kernel_size 5, ",
        ),
        (
            lambda c: c["models"].update(net={"cell_types": ["NK"], "preset": "unet"}),
            "Each head consists of one convolution over the last hidden states, with kernel size 1, and then a",
        ),
        (
            lambda c: c["models"].update(net={"cell_types": ["NK"], "preset": "unet"}),
            "and seed 42. Training of net ran for 60 epochs in global batches of 4 windows with AdamW",
        ),
        (
            lambda c: c["prediction"].update(reverse_complement=True),
            "nearer end of each window. Both strands of each window were read, and their predictions averaged. Pred",
        ),
        (
            lambda c: c["models"].update(more={"cell_types": ["NK"], "init_from": "genos-NK"}),
            "Model more starts from the model genos-NK, a network with causal attention",
        ),
        (lambda c: c["training"].update(router_loss=0.01), "load-balancing loss of weight 0.01"),
        (
            lambda c: c["training"]["augmentation"].update(shift=64, reverse_complement=True),
            "augmented by shifts of up to 64 bases and reverse complements of half of the windows",
        ),
        (lambda c: c["prediction"].update(stitch="center"), "that of the window whose middle is nearest"),
        (lambda c: c["prediction"].update(significant_digits=None), "inverse of the squashing; unknown bases are 0"),
        (
            lambda c: c["genes"].update(shared_exons="count_for_each"),
            "(on either strand, if tracks are unstranded) were counted for each gene",
        ),
        (lambda c: c["genes"].update(types=["protein_coding"]), "expression of a gene of type protein_coding"),
        (lambda c: c["evaluation"].update(block_size=4000, resamples=200), "blocks of 4,000 bases (200 resamples"),
    ],
)
def test_a_changed_setting_changes_its_sentence(change: Callable[[dict], object], words: str) -> None:
    assert words not in text(changed())
    assert words in text(changed(change))


@pytest.mark.parametrize(
    ("log", "keep", "words"),
    [
        (
            WATCHED,
            "best",
            "The weights are those of the epoch with the highest correlation on validation windows (epoch 2).",
        ),
        (WATCHED, "last", "The weights are those of the last epoch, as configured (keep: last)."),
        (UNSCORED, "best", "The weights are those of the last epoch, because no correlation on validation windows"),
        (UNWATCHED, "best", "The weights are those of the last epoch, because no validation window was used."),
    ],
    ids=["best", "last", "no score", "no window"],
)
def test_kept_weights_are_those_of_the_log(log: str, keep: str, words: str) -> None:
    """Validation chromosomes and training.keep are the same throughout: only the log says what happened."""
    config = changed(lambda c: (c["split"].update(valid=["chr9"]), c["training"].update(keep=keep)))
    assert words in text(config, log)
    assert text(config, log).count("The weights") == 1


@pytest.mark.parametrize(
    ("precisions", "words"),
    [
        (["bf16"], "1, bf16 precision"),
        (["float32"], "1, float32 precision"),
        (["float32", "bf16"], "1, bf16 or float32 precision"),
        ([None], "1, bf16 (on a GPU) or float32 precision"),
    ],
    ids=["bf16", "float32", "both", "old folder"],
)
def test_precision_is_the_one_used_in_training(precisions: Sequence[str | None], words: str) -> None:
    found = text(changed(lambda c: c["training"].update(precision="auto")), precisions=precisions)
    assert f"clipped to a norm of {words} and seed 42" in found


def test_models_whose_recipes_read_the_same_share_a_sentence() -> None:
    def add(config: dict, **own: object) -> None:
        model = {"cell_types": ["NK"], "backbone": CNN}
        config["models"].update(cnn=model | {"training": own}, other=model | {"training": {"seed": 7}})

    alike = text(changed(lambda c: add(c, loader_workers=0, micro_batch_size=4, compile=True)))
    assert alike.count("Training of genos, cnn ran for 60 epochs") == 1
    assert alike.count("Training of other ran for 60 epochs") == 1
    assert "Training of cnn ran for 3 epochs" in text(changed(lambda c: add(c, epochs=3)), WATCHED.replace("60", "3"))


def test_controls_are_named_apart() -> None:
    def add(config: dict) -> None:
        config["split"]["valid"] = ["chr9"]
        config["models"]["shuffled"] = config["models"]["genos"] | {"control": "shuffled_targets", "cell_types": ["NK"]}

    found = text(changed(add), WATCHED)
    assert "The weights of genos-GM12878, genos-NK are those of the epoch with the highest" in found
    assert "The weights of shuffled are those of the last epoch, as for all controls." in found


@pytest.mark.parametrize(
    ("asked", "logged", "said"), [(60, 59.9, "60"), (0.5, 0.48, "0.5"), (60, 12, "12"), (6, 60, "60")]
)
def test_epochs_are_those_that_were_trained(asked: float, logged: float, said: str) -> None:
    log = f"epoch valid_loss valid_pearson_log1p\n{logged} NaN NaN\n"
    assert f"Training ran for {said} epochs" in text(changed(lambda c: c["training"].update(epochs=asked)), log)


@pytest.mark.parametrize(
    ("folder", "words"),
    [
        ({"backbone_config": {"model_type": "mixtral"}, "sees_right": True}, "a network with bidirectional attention"),
        ({"backbone_config": {"model_type": "rwkv"}, "sees_right": False}, "a network which reads from left to right"),
        ({"backbone_config": {"model_type": "dilated_cnn"}}, "a network whose convolutions look both ways"),
    ],
    ids=["bidirectional", "rwkv", "cnn"],
)
def test_what_a_network_sees_is_what_its_folder_says(folder: dict, words: str) -> None:
    assert words in text(changed(), folder=folder)


def test_simulated_data_are_called_so() -> None:
    demo = yaml.safe_load((REPOSITORY / "config/demo/config.yaml").read_text())
    filled = read_settings(demo)
    named = [CellType("amber"), CellType("indigo")]
    samples = {"amber": 3, "indigo": 3}
    models = expand_models(filled.models, list(samples))
    made = methods_text(filled, named, samples, models, trained(models, WATCHED), {})
    assert made[0].startswith("We used simulated RNA-seq coverage of amber (3 samples), indigo (3 samples) on chr1")
    assert any("is a randomly initialised mixtral network (hidden_size 32" in paragraph for paragraph in made)


def test_many_cell_types_are_counted() -> None:
    filled = read_settings(changed(lambda config: config["models"]["genos"].update(cell_types=["c1"])))
    many = [CellType(f"c{index}") for index in range(30)]
    models = expand_models(filled.models, ["c1"])
    made = methods_text(filled, many, {each.name: 2 for each in many}, models, trained(models, WATCHED), {})
    assert made[0].startswith("We used RNA-seq coverage of 30 cell types (60 samples) on chr1")
