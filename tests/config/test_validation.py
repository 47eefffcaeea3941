"""Configuration: the shipped files are valid, and bad ones are refused in one plain line."""

import copy
import dataclasses
import gzip
import os
import re
from pathlib import Path

import jsonschema
import pytest
import yaml
from configurations import ABSENT, CNN, CONFIG, MINIMAL, MIXTRAL, SCHEMA, SHIPPED, config_with

from rnatracks import simulate
from rnatracks.config.explain import explain
from rnatracks.config.validation import check_chromosomes, check_pairs, known_chromosomes, validate_config
from rnatracks.downloads.data_file import is_url
from rnatracks.errors import InputError


def schema_fields(schema: dict) -> dict[str, dict]:
    """Every field of a schema by its dotted name; NAME stands for a free name, and [TYPE] for objects of one type."""

    def below(node: dict, prefix: str) -> dict[str, dict]:
        fields = {}
        for key, field in node.get("properties", {}).items():
            fields |= {f"{prefix}{key}": field} | below(field, f"{prefix}{key}.")
            for branch in field.get("allOf", []):
                kind = branch["if"]["properties"]["type"]["const"]
                assert branch["then"] == {"$ref": f"#/$defs/{kind}"}
                fields |= below(schema["$defs"][kind], f"{prefix}{key}[{kind}].")
        free = node.get("additionalProperties")
        if isinstance(free, dict):
            fields |= {f"{prefix}NAME": free} | below(free, f"{prefix}NAME.")
        return fields

    return below(schema, "")


def schema_nodes(node: object) -> list[dict]:
    """Every subschema that describes keys and values."""
    if isinstance(node, list):
        return [found for child in node for found in schema_nodes(child)]
    if not isinstance(node, dict):
        return []
    here = [node] if ("properties" in node and "additionalProperties" in node) or node.get("type") == "object" else []
    return here + [found for child in node.values() for found in schema_nodes(child)]


@pytest.mark.parametrize("path", SHIPPED, ids=["recipe", "demo"])
def test_shipped_configurations_are_valid(path: Path) -> None:
    assert validate_config(yaml.safe_load(path.read_text()), SCHEMA, str(path))


def test_recipe_shows_every_field_with_its_default() -> None:
    recipe = yaml.safe_load((CONFIG / "config.yaml").read_text())
    schema = yaml.safe_load(SCHEMA.read_text())
    defaults = validate_config(yaml.safe_load(MINIMAL), SCHEMA)
    assert set(recipe) == set(schema["properties"])
    groups = {key for key, value in defaults.items() if isinstance(value, dict)}
    for group in groups - {"genome", "annotation", "models"}:
        assert recipe[group] == defaults[group]
    shown = recipe["models"]["genos"]
    assert shown["head"] == defaults["models"]["small"]["head"]
    for key in ("strands", "attention", "trainable", "control"):
        assert shown[key] == defaults["models"]["small"][key]
    assert recipe["genome"]["chromosomes"] == [f"chr{number}" for number in range(1, 23)]


@pytest.mark.parametrize("path", sorted((CONFIG / "schemas").glob("*.yaml")), ids=lambda path: path.name)
def test_every_schema_field_is_described_and_nothing_else_is_allowed(path: Path) -> None:
    schema = yaml.safe_load(path.read_text())
    assert all(field.get("description", "").strip() for field in schema_fields(schema).values())
    assert all("additionalProperties" in node for node in schema_nodes(schema))
    assert not any(node["additionalProperties"] is True for node in schema_nodes(schema))


def test_readme_documents_every_field_and_default() -> None:
    text = (CONFIG / "README.md").read_text()
    rows = dict(re.findall(r"^\| `([^`]+)` \| ((?:`[^`]*`)? \| .*) \|$", text, re.MULTILINE))
    schema = yaml.safe_load(SCHEMA.read_text())
    fields = {key: field for key, field in schema_fields(schema).items() if not key.endswith("NAME")}
    assert set(rows) == set(fields)
    for key, field in fields.items():
        default, meaning = rows[key].split(" | ", 1)
        assert meaning == field["description"]
        assert (default != "") == (field.get("default", {}) != {}), key
        if default:
            assert yaml.safe_load(default.strip("`")) == field["default"]
    for sheet in ("samples", "cell_types"):
        columns = yaml.safe_load((CONFIG / "schemas" / f"{sheet}.schema.yaml").read_text())["properties"]
        for column, field in columns.items():
            assert f"| `{column}` | {field['description']} |" in text


def test_defaults_are_filled_into_a_copy() -> None:
    config = yaml.safe_load(MINIMAL)
    before = copy.deepcopy(config)
    filled = validate_config(config, SCHEMA)
    assert config == before
    assert filled["results"] == "results"
    assert filled["normalisation"] == {"total": 1e8}
    assert filled["windows"] == {
        "size": 32000,
        "overlap": 16000,
        "max_n_fraction": 0.5,
        "max_blacklist_fraction": 0.5,
    }
    assert filled["split"] == {"valid": [], "test": []}
    assert filled["models"]["small"]["head"] == {
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
        "control": "none",
    }
    assert filled["training"] == {
        "epochs": 60,
        "global_batch_size": 256,
        "micro_batch_size": 1,
        "learning_rate": 5e-5,
        "warmup_fraction": 0.05,
        "max_grad_norm": 1.0,
        "precision": "bf16",
        "gradient_checkpointing": True,
        "loader_workers": 2,
        "seed": 42,
        "augmentation": {"shift": 0, "reverse_complement": False},
        "router_loss": 0,
        "compile": False,
        "parallel": "ddp",
        "checkpoint_minutes": 30,
        "keep_checkpoints": 2,
        "valid_windows": 1000,
        "keep": "best",
        "stop_unless_falling": True,
    }
    assert filled["prediction"] == {
        "batch_size": 4,
        "stitch": "blend",
        "precision": "auto",
        "significant_digits": 4,
        "shard_size": None,
    }
    assert filled["genes"] == {"pseudocount": 0.01, "types": None, "shared_exons": "leave_out"}
    assert filled["exclude"] == []
    assert filled["qc"] == {"bin_size": 10_000, "stop_on_flags": False}
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


def test_filled_defaults_are_not_shared() -> None:
    first = validate_config(yaml.safe_load(MINIMAL), SCHEMA)
    first["split"]["valid"].append("chr1")
    assert validate_config(yaml.safe_load(MINIMAL), SCHEMA)["split"]["valid"] == []


def test_simulation_defaults_are_those_of_the_simulator() -> None:
    properties = yaml.safe_load(SCHEMA.read_text())["properties"]["simulate"]["properties"]
    for field in dataclasses.fields(simulate.SimulationSettings):
        if field.default is not dataclasses.MISSING:
            assert properties[field.name]["default"] == field.default


@pytest.mark.parametrize(
    ("backbone", "defaults"),
    [(MIXTRAL, {"num_experts_per_tok": 2}), (CNN, {"kernel_size": 3, "dropout": 0.1}), ("some/model", None)],
    ids=["mixtral", "dilated_cnn", "text"],
)
def test_a_backbone_gets_the_defaults_of_its_own_type(backbone: dict | str, defaults: dict | None) -> None:
    filled = validate_config(config_with("models.small.backbone", backbone), SCHEMA)["models"]["small"]["backbone"]
    assert filled == (backbone if defaults is None else backbone | defaults)


SMALL = "models.small"
BAD = [
    ("no_such_key", 1, "no_such_key", "unknown key", "one of: results, genome"),
    ("training.epoch", 3, "training.epoch", "did you mean epochs?", "one of: epochs"),
    ("models.small.head.chanels", [1], "models.small.head.chanels", "did you mean channels?", "one of: channels"),
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
    ("training.precision", "fp16", "training.precision", "'fp16'", "one of: bf16, float32"),
    ("windows.max_n_fraction", 1.5, "windows.max_n_fraction", "1.5", "1 or less"),
    ("windows", None, "windows", "null", "keys and values"),
    ("windows", {"size": 100, "overlap": 100}, "windows.overlap", "100", "less than windows.size, which is 100"),
    ("genome.md5", "abc", "genome.md5", "'abc'", "32 hex digits"),
    ("genome.chromosomes", [], "genome.chromosomes", "nothing in it", "at least 1 entry"),
    ("genome.chromosomes", [1], "genome.chromosomes[0]", "1", "text: put it in quotes"),
    ("genome.chromosomes", ["chr1", "chr1"], "genome.chromosomes", "'chr1' twice", "each once"),
    ("genome.chromosomes", ["chr 1"], "genome.chromosomes[0]", "'chr 1'", "a name without spaces and slashes"),
    ("genome.fasta", "s3://bucket/genome.fa", "genome.fasta", "'s3://bucket/genome.fa'", "a path, or a URL"),
    ("results", "", "results", "nothing in it", "at least 1 character"),
    ("split", {"test": ["chr9"]}, "split.test", "'chr9'", "genome.chromosomes: chr1, chr2, chr3"),
    ("split", {"valid": ["chr1"], "test": ["chr1"]}, "split.test", "'chr1', which split.valid", "one of them"),
    ("split", {"valid": ["chr1"], "test": ["chr2", "chr3"]}, "split", "every chromosome", "one left to train on"),
    ("evaluation", {"baselines": ["cnn"]}, "evaluation.baselines", "'cnn'", "keys of models: small"),
    ("training", {"micro_batch_size": 3}, "training.micro_batch_size", "3", "a divisor of training.global_batch_size"),
    ("models", {}, "models", "nothing in it", "at least 1 entry"),
    ("models", {"a b": {}}, "models", "the name 'a b'", "letters, digits"),
    ("models", {1: {}}, "models", "the name 1", "put it in quotes"),
    (f"{SMALL}.cell_types", "all", f"{SMALL}.cell_types", "'all'", "The word each"),
    (f"{SMALL}.cell_types", [], f"{SMALL}.cell_types", "nothing in it", "at least 1 entry"),
    (f"{SMALL}.backbone", 7, f"{SMALL}.backbone", "7", "text or keys and values or null"),
    (f"{SMALL}.backbone", {"type": "mixtral"}, f"{SMALL}.backbone.hidden_size", "no such key", "Width"),
    (f"{SMALL}.backbone", MIXTRAL | {"type": "bert"}, f"{SMALL}.backbone.type", "'bert'", "one of: mixtral"),
    (f"{SMALL}.backbone", {}, f"{SMALL}.backbone.type", "no such key", "Kind of network"),
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
        "it to be given: Number of layers",
    ),
    (f"{SMALL}.backbone", CNN | {"kernel_size": 4}, f"{SMALL}.backbone.kernel_size", "4", "an odd number"),
    (
        f"{SMALL}.backbone",
        CNN | {"num_hidden_layers": 16},
        f"{SMALL}.backbone.num_hidden_layers",
        "16",
        "at most 15, as the last layer must be dilated by less than windows.size, 32000",
    ),
    (f"{SMALL}.backbone", ABSENT, f"{SMALL}.backbone", "neither backbone nor init_from", "one of them"),
    (f"{SMALL}.init_from", "other", f"{SMALL}.init_from", "'other' beside a backbone", "one of them"),
    (f"{SMALL}.strands", "both", f"{SMALL}.strands", "'both'", "one of: heads, reverse_complement"),
    (f"{SMALL}.attention", "full", f"{SMALL}.attention", "'full'", "one of: causal, bidirectional"),
    (f"{SMALL}.trainable", "heads", f"{SMALL}.trainable", "'heads'", "one of: all, head, lora"),
    (f"{SMALL}.lora.rank", 0, f"{SMALL}.lora.rank", "0", "1 or more"),
    (f"{SMALL}.lora.alpha", 0, f"{SMALL}.lora.alpha", "0", "more than 0"),
    (f"{SMALL}.head.batch_norm", "none", f"{SMALL}.head.batch_norm", "'none'", "one of: batch, renorm, frozen"),
    ("training.augmentation.shift", -1, "training.augmentation.shift", "-1", "0 or more"),
    ("training.parallel", "dp", "training.parallel", "'dp'", "one of: ddp, fsdp"),
    ("training.checkpoint_minutes", 0, "training.checkpoint_minutes", "0", "more than 0"),
    ("training.keep", "all", "training.keep", "'all'", "one of: best, last"),
    (f"{SMALL}.backbone", MIXTRAL | {"hidden_size": 30}, f"{SMALL}.backbone.hidden_size", "30", "a multiple of"),
    (
        f"{SMALL}.backbone",
        MIXTRAL | {"num_local_experts": 1},
        f"{SMALL}.backbone.num_experts_per_tok",
        "2",
        "at most num_local_experts, 1",
    ),
    (f"{SMALL}.head", {"kernel_size": 8}, f"{SMALL}.head.kernel_size", "8", "an odd number"),
    (f"{SMALL}.head", {"dropout": 1}, f"{SMALL}.head.dropout", "1", "less than 1"),
    (f"{SMALL}.control", "shuffle", f"{SMALL}.control", "'shuffle'", "one of: none, shuffled_targets"),
    ("loci", [19], "loci[0]", "19", "text: put it in quotes"),
    ("genes", {"types": []}, "genes.types", "nothing in it", "at least 1 entry"),
    ("simulate", {"seed": 1}, "simulate.chromosomes", "no such key", "Length of each chromosome"),
]


@pytest.mark.parametrize(
    ("key", "value", "place", "found", "expected"), BAD, ids=[f"{b[0]}={b[1]!r}"[:50] for b in BAD]
)
def test_bad_configuration_is_one_line(key: str, value: object, place: str, found: str, expected: str) -> None:
    with pytest.raises(InputError) as caught:
        validate_config(config_with(key, value), SCHEMA, "mine.yaml")
    line = str(caught.value)
    assert "\n" not in line
    where, rest = line.split(": found ", 1)
    assert where == f"mine.yaml, {place}"
    assert found in rest.split("; expected ")[0]
    assert expected in rest.split("; expected ", 1)[1]


def test_every_keyword_of_the_schema_is_explained() -> None:
    """What a schema says otherwise than by these keywords would have no words."""
    structure = {"$schema", "$defs", "$ref", "title", "description", "default", "properties", "items", "allOf"}
    structure |= {"if", "then", "const"}
    schema = yaml.safe_load(SCHEMA.read_text())
    keywords = {key for node in [schema, *schema_fields(schema).values(), *schema["$defs"].values()] for key in node}
    tried = {"type"}
    for key, value, *_ in BAD:
        for error in jsonschema.Draft202012Validator(schema).iter_errors(config_with(key, value)):
            tried.add("propertyNames" if "propertyNames" in error.schema_path else error.validator)
    assert keywords - structure <= tried


def test_a_keyword_without_words_is_named() -> None:
    error = next(jsonschema.Draft202012Validator({"multipleOf": 2}).iter_errors(3))
    with pytest.raises(ValueError, match="^the schema keyword 'multipleOf' has no words here$"):
        explain(error, "config")


def test_an_empty_configuration_is_refused() -> None:
    with pytest.raises(InputError, match=r"^mine\.yaml: found null; expected keys and values$"):
        validate_config(None, SCHEMA, "mine.yaml")


def test_a_misspelt_key_is_named_before_the_missing_one() -> None:
    config = config_with("samples", ABSENT) | {"sample": "samples.tsv"}
    with pytest.raises(InputError, match=r"^config, sample: .*did you mean samples\?"):
        validate_config(config, SCHEMA)


def test_a_required_key_that_is_given_is_not_taken_for_the_misspelt_one() -> None:
    config = config_with("models.small.backbone", MIXTRAL | {"kernel_size": 3})
    with pytest.raises(InputError, match="kernel_size: found a key that type mixtral does not have; expected one of"):
        validate_config(config, SCHEMA)


def test_yaml_numbers_of_the_hint_are_read_as_numbers() -> None:
    with pytest.raises(InputError) as caught:
        validate_config(config_with("training.learning_rate", "1e-7"), SCHEMA)
    hint = re.search(r"write (\S+) without", str(caught.value))[1]
    assert yaml.safe_load(hint) == 1e-7


def test_pairs_of_many_cell_types_are_refused_before_jobs() -> None:
    check_pairs("all", 1000)
    check_pairs("neighbours", 8010)
    with pytest.raises(InputError) as caught:
        check_pairs("all", 8010)
    assert str(caught.value) == (
        "config, evaluation.pairs: found all, which makes 8,010 pairs of tracks; "
        "expected neighbours, or at most 1,000 pairs"
    )


def test_check_chromosomes() -> None:
    config = validate_config(yaml.safe_load(MINIMAL), SCHEMA)
    check_chromosomes(config, ["chr1", "chr2", "chr3", "chrM"], "genome.fa")
    with pytest.raises(
        InputError,
        match=r"^genome.fa: found no sequence 'chr3', named in genome.chromosomes; expected one of: chr1, chr2$",
    ):
        check_chromosomes(config, ["chr1", "chr2"], "genome.fa")
    with pytest.raises(InputError, match=r"'chr1'.*\(the file calls it '1'\)"):
        check_chromosomes(config, ["1", "2", "3"], "genome.fa")
    config["genome"]["chromosomes"] = ["1"]
    with pytest.raises(InputError, match=r"'1'.*\(the file calls it 'chr1'\).*\(40 in all\)$"):
        check_chromosomes(config, [f"chr{number}" for number in range(1, 41)], "genome.fa")


def known(fasta: object) -> set[str] | None:
    return known_chromosomes(validate_config(config_with("genome.fasta", str(fasta)), SCHEMA))


def test_known_chromosomes_of_simulated_data() -> None:
    demo = validate_config(yaml.safe_load((CONFIG / "demo" / "config.yaml").read_text()), SCHEMA)
    assert known_chromosomes(demo) == {"chr1", "chr2", "chr3", "chr4", "chr5"}
    check_chromosomes(demo, known_chromosomes(demo), "simulate")


def test_known_chromosomes_of_a_fasta_file(tmp_path: Path) -> None:
    text = b">chr1 first\nACGT\n>chr2\nAC\n"
    plain, zipped = tmp_path / "genome.fa", tmp_path / "genome.fa.gz"
    plain.write_bytes(text)
    zipped.write_bytes(gzip.compress(text))
    assert known(plain) == known(zipped) == {"chr1", "chr2"}
    assert known("https://example.org/genome.fa") is None


def test_known_chromosomes_believes_an_index_of_this_file_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain, index = tmp_path / "genome.fa", tmp_path / "genome.fa.fai"
    plain.write_bytes(b"\xef\xbb\xbf>chr1 Gen\xc3\xb6me\nACGT\n>HG1#1#2\nAC\n")
    assert known(plain) == {"chr1", "HG1#1#2"}
    index.write_text("chrA\t4\t17\t4\t5\nchrB\t2\t33\t2\t3\n")
    assert known(plain) == {"chr1", "HG1#1#2"}
    monkeypatch.setattr("rnatracks.config.validation.MAX_FASTA_BYTES", 3)
    assert known(plain) is None
    index.write_text("chr1\t4\t17\t4\t5\nHG1#1#2\t2\t31\t2\t3\n")
    assert known(plain) is None, "the mark is in front of the first header"
    plain.write_bytes(b">chr1 Gen\xc3\xb6me\nACGT\n>HG1#1#2\nAC\n")
    index.write_text("chr1\t4\t14\t4\t5\nHG1#1#2\t2\t28\t2\t3\n")
    assert known(plain) == {"chr1", "HG1#1#2"}
    os.utime(index, (1, 1))
    assert known(plain) is None, "an index that is older than its file"


def test_known_chromosomes_leaves_large_files_to_the_jobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rnatracks.config.validation.MAX_FASTA_BYTES", 3)
    (tmp_path / "genome.fa").write_text(">chr1\nACGT\n")
    assert known(tmp_path / "genome.fa") is None


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (None, "which is no file"),
        (b"", "an empty file"),
        (b"ACGT\n", "no sequence"),
        (gzip.compress(b""), "no sequence"),
        (gzip.compress(b">chr1\n" + b"ACGT" * 1000)[:-12], "a damaged file"),
        (b">chr1 Gen\xf6me\nACGT\n", "a header that is not UTF-8: b'chr1 Gen\\xf6me"),
    ],
    ids=["missing", "empty", "no header", "empty gzip", "cut off", "Latin-1"],
)
def test_a_bad_fasta_file_is_one_line(tmp_path: Path, content: bytes | None, found: str) -> None:
    fasta = tmp_path / "genome.fa"
    if content is not None:
        fasta.write_bytes(content)
    with pytest.raises(InputError) as caught:
        known(fasta)
    line = str(caught.value)
    assert str(fasta) in line and found in line and "; expected a FASTA file" in line and "\n" not in line


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://a.org/b", True),
        ("http://127.0.0.1:80/b", True),
        ("ftp://a.org/b", False),
        ("data/b.bw", False),
        ("/data/b.bw", False),
        ("https", False),
    ],
)
def test_is_url(text: str, expected: bool) -> None:
    assert is_url(text) is expected


@pytest.mark.parametrize("key", ["genome.fasta", "annotation.gtf", "blacklist"])
def test_simulated_files_may_only_lie_in_their_own_folder(key: str) -> None:
    config = yaml.safe_load(SHIPPED[1].read_text())
    section, _, field = key.rpartition(".")
    (config[section] if section else config)[field] = "mine/file.gz"
    with pytest.raises(InputError, match=f"{key}: found 'mine/file.gz'; expected a file in results/demo/simulated"):
        validate_config(config, SCHEMA)


def test_a_list_of_md5s_serves_downloads_only() -> None:
    config = config_with("genome.md5", "https://example.org/md5sum.txt")
    with pytest.raises(InputError, match=r"genome\.md5: found .*; expected 32 hex digits, as genome\.fa is a path"):
        validate_config(config, SCHEMA)


def test_loci_of_one_file_name_are_refused() -> None:
    config = config_with("loci", ["chr1:1-10", "chr1_1-10"])
    with pytest.raises(InputError, match="each locus once"):
        validate_config(config, SCHEMA)
