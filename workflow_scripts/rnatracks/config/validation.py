"""Checks of the configuration."""

import copy
import gzip
import math
import zlib
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import jsonschema
import yaml

from ..downloads.data_file import is_url
from ..downloads.locations import check_texts, normalise_paths
from ..errors import InputError, alias_hint, shorten
from ..files import open_plain_or_gzip, read_text
from ..genome.fasta import chromosome_lengths, clean_lines, index_fits
from .explain import explain
from .settings import locus_file_name

# Larger FASTA files are not read before jobs run.
MAX_FASTA_BYTES = 100_000_000

MAX_PAIRS = 1000  # of tracks whose differences are scored

Refuse = Callable[[str, object, str], None]


def validate_config(config: Mapping[str, Any], schema: Path, where: str = "config") -> dict[str, Any]:
    """Check a configuration and fill in the schema's defaults.

    Parameters
    ----------
    config
        As loaded from YAML; it is not changed.
    schema
        JSON schema, in YAML.
    where
        What the error line calls the configuration, such as its file.

    Returns
    -------
    A copy with every default filled in.

    Raises
    ------
    InputError
        For one error: an unknown key if there is one, because the others may follow from it.
    """
    filled = copy.deepcopy(config)
    validator = _Validator(yaml.safe_load(read_text(schema)))
    errors = list(validator.iter_errors(filled))
    if errors:
        raise explain(min(errors, key=lambda error: error.validator != "additionalProperties"), where)
    check_texts(filled, where)
    normalise_paths(filled, where)
    _cross_check(filled, where)
    return filled


def check_chromosomes(config: Mapping[str, Any], available: Collection[str], where: object) -> None:
    """Check that every chosen chromosome is in the FASTA file.

    Parameters
    ----------
    config
        A validated configuration.
    available
        Names of the sequences in the file.
    where
        What the error line calls the file.

    Raises
    ------
    InputError
        For the first chromosome that is missing.
    """
    for name in config["genome"]["chromosomes"]:
        if name in available:
            continue
        hint = alias_hint(name, available)
        raise InputError(
            where, f"no sequence {name!r}, named in genome.chromosomes{hint}", f"one of: {shorten(available)}"
        )


def check_pairs(setting: str, pairs: int) -> None:
    """Check that not too many pairs of tracks are scored: they grow with the square of the cell types.

    Parameters
    ----------
    setting
        `evaluation.pairs`.
    pairs
        How many that makes.

    Raises
    ------
    InputError
        If `all` makes more than 1,000.
    """
    if setting == "all" and pairs > MAX_PAIRS:
        found = f"all, which makes {pairs:,} pairs of tracks"
        raise InputError("config, evaluation.pairs", found, f"neighbours, or at most {MAX_PAIRS:,} pairs")


def known_chromosomes(config: Mapping[str, Any]) -> set[str] | None:
    """Names of the genome's sequences, where they can be had before any job runs.

    They come from `simulate.chromosomes`, else from the `.fai` beside a local
    FASTA file, else from its headers if it is smaller than 100 MB.

    Returns
    -------
    The names, or None where the genome is a URL or a large file without an index.

    Raises
    ------
    InputError
        If a local FASTA file is missing, empty, damaged or holds no sequence.
    """
    if config["simulate"]:
        return set(config["simulate"]["chromosomes"])
    fasta = config["genome"]["fasta"]
    if is_url(fasta):
        return None
    fasta = Path(fasta)
    if not fasta.is_file():
        raise InputError("config, genome.fasta", f"{fasta}, which is no file", "a FASTA file")
    if fasta.stat().st_size == 0:
        raise InputError(fasta, "an empty file", "a FASTA file")
    if index_fits(fasta):
        names = set(chromosome_lengths(fasta))
    elif fasta.stat().st_size < MAX_FASTA_BYTES:
        names = _header_names(fasta)
    else:
        return None
    if not names:
        raise InputError(fasta, "no sequence", "a FASTA file, whose headers start with >")
    return names


def _fill_defaults(validator: Any, properties: Mapping[str, Any], instance: Any, schema: Any) -> Iterator[Any]:
    """The `properties` keyword, which first writes the defaults into the instance."""
    if validator.is_type(instance, "object"):
        for key, field in properties.items():
            if "default" in field:
                instance.setdefault(key, copy.deepcopy(field["default"]))
    yield from jsonschema.Draft202012Validator.VALIDATORS["properties"](validator, properties, instance, schema)


def _is_integer(_checker: Any, value: Any) -> bool:
    """JSON schema's integers include 2.0, which Python's ranges refuse."""
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(_checker: Any, value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


_Validator = jsonschema.validators.extend(
    jsonschema.Draft202012Validator,
    {"properties": _fill_defaults},
    type_checker=jsonschema.Draft202012Validator.TYPE_CHECKER.redefine_many(
        {"integer": _is_integer, "number": _is_number}
    ),
)


def _cross_check(config: Mapping[str, Any], where: str) -> None:
    """Check what one field says against another."""

    def refuse(key: str, found: object, expected: str) -> None:
        raise InputError(f"{where}, {key}", found, expected)

    for key, location in (
        ("genome.fasta", config["genome"]["fasta"]),
        ("annotation.gtf", config["annotation"]["gtf"]),
        ("blacklist", config["blacklist"]),
    ):
        if location and "://" in location and not is_url(location):
            refuse(key, repr(location), "a path, or a URL that starts with http:// or https://")

    for key, location, md5 in (
        ("genome.md5", config["genome"]["fasta"], config["genome"]["md5"]),
        ("annotation.md5", config["annotation"]["gtf"], config["annotation"]["md5"]),
    ):
        if md5 and is_url(md5) and not is_url(location):
            refuse(key, repr(md5), f"32 hex digits, as {location} is a path")

    named = [locus_file_name(locus) for locus in config["loci"]]
    for locus, name in zip(config["loci"], named, strict=True):
        if named.count(name) > 1:
            refuse("loci", f"{locus!r}, whose file would be called as that of another locus", "each locus once")

    size, overlap = config["windows"]["size"], config["windows"]["overlap"]
    if overlap >= size:
        refuse("windows.overlap", overlap, f"less than windows.size, which is {size}")

    chosen, valid, test = config["genome"]["chromosomes"], config["split"]["valid"], config["split"]["test"]
    for key, held_out in (("split.valid", valid), ("split.test", test)):
        for name in held_out:
            if name not in chosen:
                refuse(key, repr(name), f"chromosomes of genome.chromosomes: {shorten(chosen)}")
    for name in test:
        if name in valid:
            refuse("split.test", f"{name!r}, which split.valid holds too", "each chromosome in one of them")
    if not set(chosen) - {*valid, *test}:
        refuse("split", "every chromosome held out", "at least one left to train on")

    if config["simulate"]:
        _check_simulation(config, refuse)

    training = config["training"]
    if training["global_batch_size"] % training["micro_batch_size"]:
        refuse(
            "training.micro_batch_size",
            training["micro_batch_size"],
            f"a divisor of training.global_batch_size, which is {training['global_batch_size']}",
        )
    for baseline in config["evaluation"]["baselines"]:
        if baseline not in config["models"]:
            refuse("evaluation.baselines", repr(baseline), f"keys of models: {shorten(config['models'])}")
    for family, settings in config["models"].items():
        _check_model(f"models.{family}", settings, size, refuse)


def _check_model(key: str, settings: Mapping[str, Any], window_size: int, refuse: Refuse) -> None:
    backbone, init_from = settings["backbone"], settings["init_from"]
    if backbone is None and init_from is None:
        refuse(f"{key}.backbone", "neither backbone nor init_from", "one of them")
    if backbone is not None and init_from is not None:
        refuse(f"{key}.init_from", f"{init_from!r} beside a backbone", "one of them")
    _check_odd(f"{key}.head.kernel_size", settings["head"]["kernel_size"], refuse)
    if not isinstance(backbone, Mapping):
        return
    match backbone["type"]:
        case "mixtral":
            _check_mixtral(f"{key}.backbone", backbone, refuse)
        case "dilated_cnn":
            _check_odd(f"{key}.backbone.kernel_size", backbone["kernel_size"], refuse)
            most = (window_size - 1).bit_length()
            if backbone["num_hidden_layers"] > most:
                expected = f"at most {most}, as the last layer must be dilated by less than windows.size, {window_size}"
                refuse(f"{key}.backbone.num_hidden_layers", backbone["num_hidden_layers"], expected)


def _check_odd(key: str, kernel_size: int, refuse: Refuse) -> None:
    if kernel_size % 2 == 0:
        refuse(key, kernel_size, "an odd number")


def _check_mixtral(key: str, backbone: Mapping[str, Any], refuse: Refuse) -> None:
    for many, few in (("hidden_size", "num_attention_heads"), ("num_attention_heads", "num_key_value_heads")):
        if backbone[many] % backbone[few]:
            refuse(f"{key}.{many}", backbone[many], f"a multiple of {few}, {backbone[few]}")
    experts, used = backbone["num_local_experts"], backbone["num_experts_per_tok"]
    if used > experts:
        refuse(f"{key}.num_experts_per_tok", used, f"at most num_local_experts, {experts}")


def _check_simulation(config: Mapping[str, Any], refuse: Refuse) -> None:
    """Simulated files may only be written into a folder of their own, so that nothing of the user's is overwritten."""
    folder = Path(config["results"]) / "simulated"
    for key, location in (
        ("genome.fasta", config["genome"]["fasta"]),
        ("annotation.gtf", config["annotation"]["gtf"]),
        ("blacklist", config["blacklist"]),
    ):
        if location is None or not Path(location).is_relative_to(folder):
            refuse(key, repr(location), f"a file in {folder}, as simulate is given")


def _header_names(fasta: Path) -> set[str]:
    """Names in the headers of a FASTA file, plain or gzipped."""
    try:
        with open_plain_or_gzip(fasta) as stream:
            headers = [line[1:].decode().split() for line in clean_lines(stream) if line.startswith(b">")]
    except UnicodeDecodeError as error:
        raise InputError(
            fasta, f"a header that is not UTF-8: {error.object[:60]!r}", "a FASTA file in UTF-8"
        ) from error
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InputError(fasta, f"a damaged file ({error})", "a FASTA file, plain or gzipped") from error
    return {header[0] for header in headers if header}
