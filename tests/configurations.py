"""The smallest configuration, and what tests change in it."""

import copy
from pathlib import Path

import yaml

CONFIG = Path(__file__).parents[1] / "config"
DEMO = CONFIG / "demo" / "config.yaml"
SHIPPED = [
    *(CONFIG / "config.yaml", CONFIG / "published_lab.yaml"),
    *(CONFIG / name / "config.yaml" for name in ("demo", "small_genome", "collection")),
]
MINIMAL = """
genome: {fasta: genome.fa, chromosomes: [chr1, chr2, chr3]}
annotation: {gtf: genes.gtf}
samples: samples.tsv
cell_types: cell_types.tsv
models: {small: {cell_types: each, backbone: some/model}}
"""
MIXTRAL = {
    "type": "mixtral",
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "num_local_experts": 4,
}
CNN = {"type": "dilated_cnn", "hidden_size": 16, "num_hidden_layers": 3}
UNET = {"type": "unet"}
ABSENT = "(no such key)"


def config_with(key: str, value: object) -> dict:
    """The minimal configuration with one dotted key set, or removed if `value` is ABSENT."""
    config = yaml.safe_load(MINIMAL)
    *parents, last = key.split(".")
    node = config
    for parent in parents:
        node = node.setdefault(parent, {})
    if value is ABSENT:
        del node[last]
    else:
        node[last] = copy.deepcopy(value)
    return config
