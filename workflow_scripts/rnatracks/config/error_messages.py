"""Errors in a configuration as one line for users, from the errors of pydantic."""

import difflib
import json
import math
from collections.abc import Mapping, Sequence
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, Tag, ValidationError

from ..errors import InputError
from .fields import PATTERNS

KINDS = {
    str: "text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    tuple: "a list",
    dict: "keys and values",
    NoneType: "null",
}
UNKNOWN_KEY = ("extra_forbidden", "invalid_key")  # the second: a key that is not text, such as a number or YAML's `on`
BOUNDS = {
    "greater_than_equal": "{ge:g} or more",
    "greater_than": "more than {gt:g}",
    "less_than_equal": "{le:g} or less",
    "less_than": "less than {lt:g}",
}


def first_fault(error: ValidationError, model: type[BaseModel], config: object, where: str) -> InputError:
    """The error of a configuration that a user should fix first: an unknown key if there is one.

    Parameters
    ----------
    error, model
        The errors that pydantic raised when it validated `config` as `model`.
    where
        Name of the configuration in error messages.

    Raises
    ------
    ValueError
        If pydantic found a kind of error that has no message here.
    """
    fault = min(error.errors(include_url=False), key=lambda fault: fault["type"] not in UNKNOWN_KEY)
    kind, value, context = fault["type"], fault["input"], fault.get("ctx", {})
    location = fault["loc"]
    found = _show(value)
    if location[-1:] == ("[key]",):
        path, node, _, _ = _follow(model, location[:-2], config)
        expected = context["error"].args[2] if kind == "value_error" else _key_words(node) + _writing_hint(value, [str])
        return InputError(_place(where, path), f"the name {found}", expected)
    last = len(location) - (kind in ("missing", *UNKNOWN_KEY))
    path, node, about, given = _follow(model, location[:last], config)
    match kind:
        case "extra_forbidden" | "invalid_key":
            return _unknown_key(where, path, value if kind == "invalid_key" else location[-1], node, given)
        case "missing":
            path, _, about, _ = _follow(model, location, config)
            found, expected = "no such key", f"this required key: {about}"
        case "value_error":
            key, found, expected = context["error"].args
            path = [*path, *filter(None, key.split("."))]
        case "kind" if isinstance(value, Mapping):
            path, found = [*path, "type"], _show(value["type"]) if "type" in value else "no such key"
            kinds = [tag for tag in tags(bare(node)) if tag != "text"]
            expected = f"one of: {', '.join(kinds)}" if "type" in value else f"this required key: {fault['msg']}"
        case "literal_error":
            expected = f"one of: {', '.join(map(str, get_args(bare(node))))}"
        case "too_short" | "string_too_short":
            found, fewest = "too few entries" if value else "an empty value", context["min_length"]
            unit = "character" if kind == "string_too_short" else "entry" if fewest == 1 else "entries"
            expected = f"at least {fewest} {unit}"
        case "string_pattern_mismatch":
            expected = PATTERNS.get(context["pattern"]) or about.rstrip(".")
        case bound if bound in BOUNDS:
            expected = BOUNDS[bound].format(**context)
        case wrong if wrong.endswith("_type") or wrong in ("kind", "union_tag_not_found", "finite_number"):
            expected = _kinds(node, value)
        case _:
            raise ValueError(f"no message for pydantic's error {kind!r}")
    return InputError(_place(where, path), found, expected)


def _unknown_key(where: str, path: Sequence[str | int], key: object, node: Any, given: Any) -> InputError:
    section = bare(node)
    known = list(section.model_fields)
    # A required key that is present was not misspelt.
    missing = [name for name in known if name not in given or not section.model_fields[name].is_required()]
    close = difflib.get_close_matches(str(key), missing, n=1)
    kind = section.model_fields.get("type")
    # The kind may come from a preset.
    found = "an unknown key" if kind is None else f"a key that type {get_args(kind.annotation)[0]} does not have"
    found += f" (did you mean {close[0]}?)" if close else ""
    return InputError(_place(where, [*path, str(key)]), found, f"one of: {', '.join(known)}")


def _follow(
    model: type[BaseModel], location: Sequence[str | int], config: Any
) -> tuple[list[str | int], Any, str, Any]:
    """Follow the location of a pydantic error through a model.

    Returns
    -------
    path
        The location without the tags of unions.
    node
        Annotation at this location.
    about
        Description of the field that contains it.
    value
        Value in the configuration at this location.
    """
    path, node, about, value = [], model, "", config
    for step in location:
        node = bare(node)
        if branches := tags(node):
            node = branches[str(step)]
            continue
        if is_section(node) and str(step) in node.model_fields:
            field = node.model_fields[str(step)]
            about, node = describe(field), field.annotation
        elif is_section(node):
            node = get_args(node.__annotations__["__pydantic_extra__"])[1]
        else:
            node = get_args(node)[1 if get_origin(node) is dict else 0]
        path.append(step)
        inside = isinstance(value, list) or (isinstance(value, Mapping) and step in value)
        value = value[step] if inside else None
    return path, node, about, value


def describe(field: Any) -> str:
    """Description of a field as one line, or that of its section if it has none."""
    text = field.description or next(
        (kind.__doc__ for kind in get_args(field.annotation) or (field.annotation,) if is_section(kind)), ""
    )
    return " ".join(text.split())


def is_section(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def bare(node: Any) -> Any:
    """An annotation without its metadata and without None."""
    if get_origin(node) is Annotated:
        return bare(get_args(node)[0])
    if get_origin(node) in (Union, UnionType) and not tags(node):
        return bare(next(kind for kind in get_args(node) if kind is not NoneType))
    return node


def tags(node: Any) -> dict[str, Any]:
    """Branches of a tagged union, by tag."""
    if get_origin(node) not in (Union, UnionType):
        return {}
    return {
        mark.tag: branch
        for branch in get_args(node)
        for mark in getattr(branch, "__metadata__", ())
        if isinstance(mark, Tag)
    }


def _types(node: Any) -> list[type]:
    """Python types that an annotation accepts, without duplicates."""
    if get_origin(node) is Annotated:
        return _types(get_args(node)[0])
    if get_origin(node) in (Union, UnionType):
        return list(dict.fromkeys(kind for branch in get_args(node) for kind in _types(branch)))
    if get_origin(node) is Literal:
        return [str]
    return [dict if is_section(node) else get_origin(node) or node]


def _kinds(node: Any, value: Any) -> str:
    types = _types(node)
    return " or ".join(KINDS[kind] for kind in types) + _writing_hint(value, types)


def _key_words(node: Any) -> str:
    """Description of the keys of a dictionary, from their pattern."""
    marks = get_args(get_args(bare(node))[0])[1:]
    patterns = [getattr(part, "pattern", "") for mark in marks for part in getattr(mark, "metadata", ())]
    return next(PATTERNS[pattern] for pattern in patterns if pattern)


def _place(where: str, path: Sequence[str | int]) -> str:
    """Format a path into the configuration as `where, a.b[0].c`."""
    dotted = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return f"{where}, {dotted.lstrip('.')}" if path else where


def _show(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, list | tuple | dict):
        return KINDS[dict if isinstance(value, dict) else tuple]
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _writing_hint(value: Any, kinds: Sequence[type]) -> str:
    """How to write a value so that YAML reads it as intended, if that is clear."""
    if isinstance(value, int | float) and str in kinds:
        return ": put it in quotes"
    if not isinstance(value, str | float) or not {int, float} & {*kinds}:
        return ""
    try:
        number = float(value)
    except ValueError:
        return ""
    if not math.isfinite(number) or (int in kinds and not number.is_integer()):
        return ""
    written = str(int(number)) if int in kinds else repr(number)
    if "e" in written and "." not in written:
        written = written.replace("e", ".0e")
    if isinstance(value, float):
        return f": write {written}"
    return f": write {written} without quotes, in a config file (--config turns nested numbers into text)"
