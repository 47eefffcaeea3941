"""Configuration: the shipped files are valid, and bad ones are refused in one plain line."""

import copy
import json
import re
from pathlib import Path

import jsonschema
import pytest
import yaml
from configurations import ABSENT, CNN, CONFIG, DEMO, MINIMAL, MIXTRAL, SHIPPED, UNET, config_with
from pydantic import BaseModel, Field, ValidationError

from rnatracks.config.documentation import SCHEMA, TABLE, json_schema, reference_table
from rnatracks.config.error_messages import describe, first_fault
from rnatracks.config.fields import Section
from rnatracks.config.settings import Settings, read_settings
from rnatracks.config.training import TrainingSettings
from rnatracks.config.variants import VariantSettings
from rnatracks.errors import InputError
from rnatracks.vocabulary import Split


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_shipped_configurations_are_valid(path: Path) -> None:
    assert read_settings(yaml.safe_load(path.read_text()), str(path))


def test_recipe_shows_every_field_with_its_default() -> None:
    recipe = yaml.safe_load((CONFIG / "config.yaml").read_text())
    defaults = read_settings(yaml.safe_load(MINIMAL)).model_dump(mode="json")
    assert set(recipe) == set(defaults)
    groups = {key for key, value in defaults.items() if isinstance(value, dict)}
    for group in groups - {"genome", "annotation", "models"}:
        assert recipe[group] == defaults[group]
    shown = recipe["models"]["genos"]
    assert shown["head"] == defaults["models"]["small"]["head"]
    for key in ("strands", "attention", "trainable", "control"):
        assert shown[key] == defaults["models"]["small"][key]
    assert recipe["genome"]["chromosomes"] == [f"chr{number}" for number in range(1, 23)]


def sections(section: type[BaseModel] = Section) -> list[type[BaseModel]]:
    """A section and all of the configuration that are made from it."""
    below = [kind for kind in section.__subclasses__() if kind.__module__.startswith("rnatracks.config.")]
    return [section, *(each for kind in below for each in sections(kind))]


def test_every_field_is_described_and_nothing_else_is_allowed() -> None:
    assert len(sections()) > 20
    for section in sections():
        # Keys of `variants` other than its fields are names of files.
        assert section.model_config["extra"] == ("allow" if section is VariantSettings else "forbid")
        assert section.model_config["strict"]
        assert all(describe(field) for field in section.model_fields.values()), section


def test_what_is_made_from_the_fields_is_up_to_date() -> None:
    assert json.loads((CONFIG / SCHEMA).read_text()) == json_schema()
    assert TABLE.search((CONFIG / "README.md").read_text())[0] == reference_table()


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_editors_accept_the_shipped_configurations(path: Path) -> None:
    jsonschema.validate(yaml.safe_load(path.read_text()), json_schema())


def test_readme_documents_every_column_of_the_sheets() -> None:
    text = (CONFIG / "README.md").read_text()
    for sheet in ("samples", "cell_types"):
        columns = yaml.safe_load((CONFIG / "schemas" / f"{sheet}.schema.yaml").read_text())["properties"]
        for column, field in columns.items():
            assert f"| `{column}` | {field['description']} |" in text


def test_defaults_are_filled_into_a_copy() -> None:
    config = yaml.safe_load(MINIMAL)
    before = copy.deepcopy(config)
    filled = read_settings(config).model_dump(mode="json")
    assert config == before
    assert filled["results"] == "results"
    assert filled["normalisation"] == {"total": 1e8, "per": "pair", "over": "chosen", "track_mean": "pair"}
    assert filled["windows"] == {
        "size": 32000,
        "overlap": 16000,
        "max_n_fraction": 0.5,
        "max_blacklist_fraction": 0.5,
    }
    assert filled["split"] == {"valid": [], "test": []}
    assert filled["models"]["small"]["head"] == {
        "type": "convolutions",
        "scale": "inside",
        "channels": [256, 64],
        "kernel_size": 9,
        "dropout": 0.1,
        "initial_scale": 8,
        "batch_norm": "batch",
        "plain_output": False,
    }
    assert filled["models"]["small"]["lora"] == {"rank": 16, "alpha": 32, "dropout": 0.05}
    others = {key: value for key, value in filled["models"]["small"].items() if key not in ("head", "lora")}
    assert others == {
        "cell_types": "each",
        "backbone": "some/model",
        "revision": None,
        "init_from": None,
        "strands": "heads",
        "attention": "causal",
        "trainable": "all",
        "preset": None,
        "training": {},
        "control": "none",
    }
    assert filled["training"] == {
        "epochs": 60,
        "global_batch_size": 256,
        "micro_batch_size": 1,
        "learning_rate": 5e-5,
        "warmup_fraction": 0.05,
        "schedule": "cosine",
        "optimizer": "adafactor",
        "weight_decay": 0,
        "max_grad_norm": 1.0,
        "precision": "bf16",
        "gradient_checkpointing": True,
        "loader_workers": 2,
        "seed": 42,
        "augmentation": {"shift": 0, "reverse_complement": False},
        "router_loss": 0,
        "compile": False,
        "checkpoint_minutes": 30,
        "keep_checkpoints": 2,
        "valid_windows": 1000,
        "keep": "best",
        "stop_unless_falling": True,
    }
    assert filled["prediction"] == {
        "reverse_complement": False,
        "batch_size": 4,
        "stitch": "blend",
        "overlap": None,
        "precision": "auto",
        "significant_digits": 4,
        "shard_size": None,
    }
    assert filled["genes"] == {"pseudocount": 0.01, "types": None, "shared_exons": "leave_out"}
    assert filled["exclude"] == []
    assert filled["qc"] == {"bin_size": 10_000, "stop_on_flags": False, "nonzero_means": None}
    assert filled["evaluation"] == {
        "block_size": 1_000_000,
        "resamples": 1000,
        "sample_bases": 1_000_000,
        "seed": 42,
        "baselines": [],
        "pairs": "all",
    }
    assert filled["browser"] == {"genes": 5}
    assert filled["loci"] == []
    assert filled["blacklist"] is filled["simulate"] is filled["genome"]["md5"] is None


def test_settings_are_read_back_from_what_scripts_get() -> None:
    for path in SHIPPED:
        settings = read_settings(yaml.safe_load(path.read_text()))
        assert Settings.of(json.loads(json.dumps({"settings": settings.model_dump(mode="json")}))) == settings


@pytest.mark.parametrize(
    ("backbone", "defaults"),
    [(MIXTRAL, {"num_experts_per_tok": 2}), (CNN, {"kernel_size": 3, "dropout": 0.1}), ("some/model", None)],
    ids=["mixtral", "dilated_cnn", "text"],
)
def test_a_backbone_gets_the_defaults_of_its_own_type(backbone: dict | str, defaults: dict | None) -> None:
    filled = read_settings(config_with("models.small.backbone", backbone)).models["small"].backbone
    assert (filled if defaults is None else dict(filled)) == (backbone if defaults is None else backbone | defaults)


@pytest.mark.parametrize(("training", "right"), [({"epochs": 3}, True), ({"epoch": 3}, False), ({"seed": "a"}, False)])
def test_editors_know_the_keys_of_a_models_training(training: dict, right: bool) -> None:
    assert jsonschema.Draft202012Validator(json_schema()).is_valid(config_with(f"{SMALL}.training", training)) == right
    keys = json_schema()["$defs"]["ModelSettings"]["properties"]["training"]["properties"]
    assert list(keys) == list(TrainingSettings.model_fields)
    assert not any("default" in key for key in keys.values())


@pytest.mark.parametrize(
    ("own", "line"),
    [
        (
            {"micro_batch_size": 6},
            "models.small.training.micro_batch_size: found 6; expected a divisor of training.global_batch_size (16)",
        ),
        (
            {"global_batch_size": 6},
            "training.micro_batch_size: found 4; expected a divisor of models.small.training.global_batch_size (6)",
        ),
    ],
)
def test_batches_that_do_not_divide_name_the_keys_that_set_them(own: dict, line: str) -> None:
    config = config_with("training", {"global_batch_size": 16, "micro_batch_size": 4})
    config["models"]["small"]["training"] = own
    with pytest.raises(InputError) as caught:
        read_settings(config)
    assert str(caught.value) == f"config, {line}"


def test_a_unet_may_be_as_deep_as_the_window() -> None:
    config = config_with("models.small.backbone", UNET | {"widths": [8] * 10})
    config["windows"] = {"size": 512, "overlap": 0}
    assert read_settings(config)


SMALL = "models.small"
BOUND_OF = {
    "minimum": "greater_than_equal",
    "exclusiveMinimum": "greater_than",
    "maximum": "less_than_equal",
    "exclusiveMaximum": "less_than",
    "minItems": "too_short",
    "minLength": "string_too_short",
    "pattern": "string_pattern_mismatch",
    "enum": "literal_error",
}
PLANTED = "results/demo/simulated/planted.vcf.gz"
BAD = [
    ("no_such_key", 1, "no_such_key", "unknown key", "one of: results, recipe, genome"),
    ("training", {5: 1}, "training.5", "an unknown key", "one of: epochs"),
    ("training", {True: 1}, "training.True", "an unknown key", "one of: epochs"),
    ("results", "r" * 300, "results", "'rrr", "a usable path (File name too long)"),
    ("models.small.backbone", "r" * 300, "models.small.backbone", "'rrr", "a usable path"),
    ("training.epoch", 3, "training.epoch", "did you mean epochs?", "one of: epochs"),
    ("models.small.head.chanels", [1], "models.small.head.chanels", "did you mean channels?", "one of: type, channels"),
    ("genome.fasta", ABSENT, "genome.fasta", "no such key", "FASTA file"),
    ("models", ABSENT, "models", "no such key", "Models to train"),
    ("training.global_batch_size", "sixty", "training.global_batch_size", "'sixty'", "a whole number"),
    ("training.global_batch_size", 60.0, "training.global_batch_size", "60.0", "a whole number: write 60"),
    ("training.global_batch_size", 2.5, "training.global_batch_size", "2.5", "a whole number"),
    ("training.global_batch_size", True, "training.global_batch_size", "true", "a whole number"),
    ("training.global_batch_size", 0, "training.global_batch_size", "0", "1 or more"),
    ("training.learning_rate", "5e-5", "training.learning_rate", "'5e-5'", "a number: write 5.0e-05 without quotes"),
    ("normalisation.total", "1e8", "normalisation.total", "'1e8'", "write 100000000.0 without quotes"),
    ("normalisation.total", float("nan"), "normalisation.total", "nan", "a number"),
    ("normalisation.total", 0, "normalisation.total", "0", "more than 0"),
    ("training.gradient_checkpointing", "maybe", "training.gradient_checkpointing", "'maybe'", "true or false"),
    ("training.precision", "fp16", "training.precision", "'fp16'", "one of: auto, bf16, float32"),
    ("windows.max_n_fraction", 1.5, "windows.max_n_fraction", "1.5", "1 or less"),
    ("windows", None, "windows", "null", "keys and values"),
    ("windows", {"size": 100, "overlap": 100}, "windows.overlap", "100", "less than windows.size (100)"),
    ("training.schedule", "plateau", "training.schedule", "plateau without split.valid", "a validation chromosome"),
    ("prediction", {"overlap": 32000}, "prediction.overlap", "32000", "less than windows.size (32000)"),
    ("genome.md5", "abc", "genome.md5", "'abc'", "32 lower-case hex digits"),
    ("genome.chromosomes", [], "genome.chromosomes", "an empty value", "at least 1 entry"),
    ("genome.chromosomes", [1], "genome.chromosomes[0]", "1", "text: put it in quotes"),
    ("genome.chromosomes", ["chr1", "chr1"], "genome.chromosomes", "'chr1' twice", "each entry only once"),
    ("genome.chromosomes", ["chr 1"], "genome.chromosomes[0]", "'chr 1'", "a name without spaces or slashes"),
    ("genome.fasta", "s3://bucket/genome.fa", "genome.fasta", "'s3://bucket/genome.fa'", "a path, or a URL"),
    ("results", "", "results", "an empty value", "at least 1 character"),
    ("split", {"test": ["chr9"]}, "split.test", "'chr9'", "genome.chromosomes: chr1, chr2, chr3"),
    ("split", {"valid": ["chr1"], "test": ["chr1"]}, "split.test", "'chr1', which is also", "only one"),
    ("split", {"valid": ["chr1"], "test": ["chr2", "chr3"]}, "split", "every chromosome", "left for training"),
    ("evaluation", {"baselines": ["cnn"]}, "evaluation.baselines", "'cnn'", "keys of models: small"),
    ("training", {"micro_batch_size": 3}, "training.micro_batch_size", "3", "a divisor of training.global_batch_size"),
    (f"{SMALL}.training", {"epoch": 3}, f"{SMALL}.training.epoch", "did you mean epochs?", "one of: epochs"),
    (f"{SMALL}.training", {"epochs": "3"}, f"{SMALL}.training.epochs", "'3'", "a number: write 3.0"),
    (f"{SMALL}.training", {"micro_batch_size": 7}, f"{SMALL}.training.micro_batch_size", "7", "a divisor of training"),
    (f"{SMALL}.training", {3: 4}, f"{SMALL}.training.3", "an unknown key", "one of: epochs"),
    (f"{SMALL}.training", None, f"{SMALL}.training", "null", "keys and values"),
    (f"{SMALL}.training", {"schedule": "plateau"}, f"{SMALL}.training.schedule", "plateau without", "a validation"),
    (f"{SMALL}.preset", "unet", f"{SMALL}.preset", "'unet' with the pretrained backbone 'some/model'", "no backbone"),
    (f"{SMALL}.preset", ["unet"], f"{SMALL}.preset", "a list", "one of: unet"),
    (f"{SMALL}.preset", "u-net", f"{SMALL}.preset", "'u-net'", "one of: unet"),
    (f"{SMALL}.backbone", UNET | {"widths": [8]}, f"{SMALL}.backbone.widths", "too few entries", "at least 2 entries"),
    (
        f"{SMALL}.backbone",
        UNET | {"widths": [8, 12], "attention_layers": 1},
        f"{SMALL}.backbone.widths",
        "[8, 12]",
        "a multiple of twice attention_heads (4)",
    ),
    (
        f"{SMALL}.backbone",
        UNET | {"widths": [8] * 16},
        f"{SMALL}.backbone.widths",
        "16 levels",
        "at most 15, because a position of the last level spans 32,768 bases, which must be at most windows.size",
    ),
    (
        SMALL,
        {"cell_types": "each", "preset": "unet", "backbone": {"width": [8]}},
        f"{SMALL}.backbone.width",
        "a key that type unet does not have (did you mean widths?)",
        "one of: type, widths",
    ),
    (f"{SMALL}.backbone", UNET | {"batch_norm": "frozen"}, f"{SMALL}.backbone.batch_norm", "'frozen'", "batch, renorm"),
    (f"{SMALL}.head.batch_norm", "frozen", f"{SMALL}.head.batch_norm", "'frozen', without init_from", "batch or ren"),
    ("models", {}, "models", "an empty value", "at least 1 entry"),
    ("variants", {"backgroud": 5}, "variants.backgroud", "did you mean background?", "one of: background; or the name"),
    ("variants", {"mine": 5}, "variants.mine", "an unknown key", "one of: background; or the name of a VCF"),
    ("variants", {"mine": None}, "variants.mine", "an unknown key", "one of: background; or the name of a VCF"),
    ("variants", {"mine": ""}, "variants.mine", "an empty value", "at least 1 character"),
    ("variants", {"mine": "s3://bucket/a.vcf"}, "variants.mine", "'s3://bucket/a.vcf'", "a path, or a URL"),
    (
        "variants",
        {"my.background": "a.vcf"},
        "variants.my.background",
        "'my.background'",
        "letters, digits, '_' and '-'",
    ),
    ("variants", {5: "a.vcf"}, "variants.5", "an unknown key", "one of: background"),
    ("variants", {"background": "many"}, "variants.background", "'many'", "a whole number"),
    ("variants", {"background": -1}, "variants.background", "-1", "0 or more"),
    ("variants", ["a.vcf"], "variants", "a list", "keys and values"),
    ("models", {"a b": {}}, "models", "the name 'a b'", "letters, digits"),
    ("models", {1: {}}, "models", "the name 1", "put it in quotes"),
    (f"{SMALL}.cell_types", "every", f"{SMALL}.cell_types", "'every'", "The word each"),
    (f"{SMALL}.cell_types", [], f"{SMALL}.cell_types", "an empty value", "at least 1 entry"),
    (f"{SMALL}.backbone", 7, f"{SMALL}.backbone", "7", "text or keys and values or null"),
    (f"{SMALL}.backbone", {"type": "mixtral"}, f"{SMALL}.backbone.hidden_size", "no such key", "Size"),
    (f"{SMALL}.backbone", MIXTRAL | {"type": "bert"}, f"{SMALL}.backbone.type", "'bert'", "one of: mixtral"),
    (f"{SMALL}.backbone", {}, f"{SMALL}.backbone.type", "no such key", "Type of network"),
    (
        f"{SMALL}.backbone",
        CNN | {"num_attention_heads": 4},
        f"{SMALL}.backbone.num_attention_heads",
        "a key that type dilated_cnn does not have",
        "one of: type, hidden_size, num_hidden_layers, kernel_size, dropout",
    ),
    (
        f"{SMALL}.backbone",
        MIXTRAL | {"kernel_size": 3},
        f"{SMALL}.backbone.kernel_size",
        "a key that type mixtral does not have",
        "one of: type, hidden_size, intermediate_size",
    ),
    (
        f"{SMALL}.backbone",
        {"type": "dilated_cnn", "hidden_sizes": 8},
        f"{SMALL}.backbone.hidden_sizes",
        "a key that type dilated_cnn does not have (did you mean hidden_size?)",
        "one of: type",
    ),
    (
        f"{SMALL}.backbone",
        {"type": "dilated_cnn", "hidden_size": 8},
        f"{SMALL}.backbone.num_hidden_layers",
        "no such key",
        "this required key: Number of layers",
    ),
    (f"{SMALL}.backbone", CNN | {"kernel_size": 4}, f"{SMALL}.backbone.kernel_size", "4", "an odd number"),
    (
        f"{SMALL}.backbone",
        CNN | {"num_hidden_layers": 16},
        f"{SMALL}.backbone.num_hidden_layers",
        "16",
        "at most 15, because the dilation of the last layer must be less than windows.size (32000)",
    ),
    (f"{SMALL}.backbone", ABSENT, f"{SMALL}.backbone", "neither backbone nor init_from", "one of them"),
    (f"{SMALL}.init_from", "other", f"{SMALL}.init_from", "'other' in addition to a backbone", "one of them"),
    (f"{SMALL}.strands", "both", f"{SMALL}.strands", "'both'", "one of: heads, reverse_complement"),
    (f"{SMALL}.attention", "full", f"{SMALL}.attention", "'full'", "one of: causal, bidirectional"),
    (f"{SMALL}.trainable", "heads", f"{SMALL}.trainable", "'heads'", "one of: all, head, lora"),
    (f"{SMALL}.lora.rank", 0, f"{SMALL}.lora.rank", "0", "1 or more"),
    (f"{SMALL}.lora.alpha", 0, f"{SMALL}.lora.alpha", "0", "more than 0"),
    (f"{SMALL}.head.batch_norm", "none", f"{SMALL}.head.batch_norm", "'none'", "one of: batch, renorm, frozen"),
    ("training.augmentation.shift", -1, "training.augmentation.shift", "-1", "0 or more"),
    ("training.checkpoint_minutes", 0, "training.checkpoint_minutes", "0", "more than 0"),
    ("training.keep", "all", "training.keep", "'all'", "one of: best, last"),
    (f"{SMALL}.backbone", MIXTRAL | {"hidden_size": 30}, f"{SMALL}.backbone.hidden_size", "30", "a multiple of"),
    (
        f"{SMALL}.backbone",
        MIXTRAL | {"num_local_experts": 1},
        f"{SMALL}.backbone.num_experts_per_tok",
        "2",
        "at most num_local_experts (1)",
    ),
    (f"{SMALL}.head", {"type": "u-net"}, f"{SMALL}.head.type", "'u-net'", "one of: convolutions, unet"),
    (f"{SMALL}.head", None, f"{SMALL}.head", "null", "keys and values"),
    (
        f"{SMALL}.head",
        {"type": "unet", "widths": [8] * 16},  # the last level of 15 has one position for 16,384 of 32,000 bases
        f"{SMALL}.head.widths",
        "16 levels",
        "at most 15, because a position of the last level spans 32,768 bases, which must be at most windows.size",
    ),
    (f"{SMALL}.head.scale", "none", f"{SMALL}.head.scale", "'none'", "one of: inside, outside"),
    (f"{SMALL}.head", {"type": "unet", "widths": [8]}, f"{SMALL}.head.widths", "too few entries", "at least 2 entries"),
    (f"{SMALL}.head", {"type": "unet", "channels": [8]}, f"{SMALL}.head.channels", "a key that type unet", "widths"),
    (f"{SMALL}.head", {"kernel_size": 8}, f"{SMALL}.head.kernel_size", "8", "an odd number"),
    (f"{SMALL}.head", {"dropout": 1}, f"{SMALL}.head.dropout", "1", "less than 1"),
    (f"{SMALL}.control", "shuffle", f"{SMALL}.control", "'shuffle'", "one of: none, shuffled_targets"),
    ("loci", [19], "loci[0]", "19", "text: put it in quotes"),
    ("sources", {"gtex_samples": 4, "max_samples": 3}, "sources.gtex_samples", "4", "at most sources.max_samples (3)"),
    ("qc", {"nonzero_means": "https://x.org/m.tsv"}, "qc.nonzero_means", "'https://x.org/m.tsv'", "a path: download"),
    ("genes", {"types": []}, "genes.types", "an empty value", "at least 1 entry"),
    ("simulate", {"seed": 1}, "simulate.chromosomes", "no such key", "Length of each chromosome"),
]


@pytest.mark.parametrize(
    ("key", "value", "place", "found", "expected"), BAD, ids=[f"{b[0]}={b[1]!r}"[:50] for b in BAD]
)
def test_bad_configuration_is_one_line(key: str, value: object, place: str, found: str, expected: str) -> None:
    with pytest.raises(InputError) as caught:
        read_settings(config_with(key, value), "mine.yaml")
    line = str(caught.value)
    assert "\n" not in line
    where, rest = line.split(": found ", 1)
    assert where == f"mine.yaml, {place}"
    assert found in rest.split("; expected ")[0]
    assert expected in rest.split("; expected ", 1)[1]


def test_every_kind_of_fault_of_the_fields_is_tried() -> None:
    """A kind of fault without words is an error of ours: each that the fields can have is among the bad ones."""
    tried = set()
    for key, value, *_ in BAD:
        with pytest.raises(ValidationError) as caught:
            Settings.model_validate(config_with(key, value))
        tried |= {fault["type"] for fault in caught.value.errors()}
    bounds = {bound for key, bound in BOUND_OF.items() if f'"{key}"' in json.dumps(json_schema())}
    assert bounds <= tried


def test_a_kind_of_fault_without_words_is_named() -> None:
    class Even(BaseModel):
        number: int = Field(multiple_of=2)

    with pytest.raises(ValidationError) as caught:
        Even(number=3)
    with pytest.raises(ValueError, match="^no message for pydantic's error 'multiple_of'$"):
        first_fault(caught.value, Even, {"number": 3}, "config")


def test_an_empty_configuration_is_refused() -> None:
    with pytest.raises(InputError, match=r"^mine\.yaml: found null; expected keys and values$"):
        read_settings(None, "mine.yaml")


def test_a_misspelt_key_is_named_before_the_missing_one() -> None:
    config = config_with("samples", ABSENT) | {"sample": "samples.tsv"}
    with pytest.raises(InputError, match=r"^config, sample: .*did you mean samples\?"):
        read_settings(config)


def test_a_required_key_that_is_given_is_not_taken_for_the_misspelt_one() -> None:
    config = config_with("models.small.backbone", MIXTRAL | {"kernel_size": 3})
    with pytest.raises(InputError, match="kernel_size: found a key that type mixtral does not have; expected one of"):
        read_settings(config)


def test_yaml_numbers_of_the_hint_are_read_as_numbers() -> None:
    with pytest.raises(InputError) as caught:
        read_settings(config_with("training.learning_rate", "1e-7"))
    hint = re.search(r"write (\S+) without", str(caught.value))[1]
    assert yaml.safe_load(hint) == 1e-7


@pytest.mark.parametrize("key", ["genome.fasta", "annotation.gtf", "blacklist"])
def test_simulated_files_may_only_lie_in_their_own_folder(key: str) -> None:
    config = yaml.safe_load(DEMO.read_text())
    section, _, field = key.rpartition(".")
    (config[section] if section else config)[field] = "mine/file.gz"
    with pytest.raises(InputError, match=f"{key}: found 'mine/file.gz'; expected a file in results/demo/simulated"):
        read_settings(config)


@pytest.mark.parametrize(
    ("planted", "files", "words"),
    [
        (5, {}, "simulate.variants: found 5; expected one name for results/demo/simulated/planted.vcf.gz"),
        (5, {"a": PLANTED, "b": PLANTED}, "simulate.variants: found 5; expected one name for"),
        (0, {"a": PLANTED}, "variants.a: found 'results/demo/simulated/planted.vcf.gz'; expected .* is not 0"),
        (
            5,
            {"a": PLANTED, "b": "results/demo/simulated/other.vcf"},
            "variants.b: found .* the only VCF in this folder",
        ),
    ],
)
def test_simulated_variants_without_their_one_name_are_refused(planted: int, files: dict, words: str) -> None:
    config = yaml.safe_load(DEMO.read_text())
    config["simulate"]["variants"], config["variants"] = planted, files
    with pytest.raises(InputError, match=words):
        read_settings(config)


def test_files_of_variants_survive_the_way_to_a_job() -> None:
    settings = read_settings(
        config_with("variants", {"mine": "./a//b.vcf", "background": 3, "on-line": "https://x.org/a"})
    )
    job = Settings.of({"settings": settings.model_dump(mode="json")})
    assert job.variants.files == {"mine": "a/b.vcf", "on-line": "https://x.org/a"}
    assert job.variants.background == 3 and read_settings(config_with("variants", {})).variants.files == {}


def test_a_list_of_md5s_serves_downloads_only() -> None:
    config = config_with("genome.md5", "https://example.org/md5sum.txt")
    with pytest.raises(
        InputError, match=r"genome\.md5: found .*; expected 32 hex .*, because genome\.fa is a local file"
    ):
        read_settings(config)


def test_loci_of_one_file_name_are_refused() -> None:
    config = config_with("loci", ["chr1:1-10", "chr1_1-10"])
    with pytest.raises(InputError, match="each locus only once"):
        read_settings(config)


def test_a_chromosome_trains_unless_it_is_held_out() -> None:
    settings = read_settings(config_with("split", {"valid": ["chr3"], "test": ["chr2"]}))
    assert list(settings.splits.items()) == [("chr1", Split.TRAIN), ("chr2", Split.TEST), ("chr3", Split.VALID)]


def test_loci_are_found_by_their_file_names() -> None:
    by_file = {"chr19_39407000-39439000": "chr19:39,407,000-39,439,000", "RPS16": " RPS16 ", "_b_1": "<b 1"}
    assert read_settings(config_with("loci", list(by_file.values()))).loci_by_file == by_file


def test_seams_are_looked_for_where_nothing_was_trained() -> None:
    assert read_settings(config_with("split.test", ["chr2", "chr3"])).seam_chromosomes == ("chr2", "chr3")
    assert read_settings(config_with("split.test", [])).seam_chromosomes == ("chr1",)
