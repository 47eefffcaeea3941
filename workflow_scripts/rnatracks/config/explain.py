"""What an error of the configuration's schema means, in plain words."""

import difflib
import json
import math
from collections.abc import Sequence
from typing import Any

import jsonschema

from ..errors import InputError

KINDS = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "keys and values",
    "null": "null",
}


def explain(error: jsonschema.ValidationError, where: str) -> InputError:
    """Say in plain words what a schema error means.

    Raises
    ------
    ValueError
        If the schema uses a keyword that has no words here.
    """
    path = [*error.absolute_path]
    value, rule, about = error.instance, error.validator_value, error.schema.get("description", "")
    found = _show(value)
    if error.validator == "additionalProperties":
        known = list(error.schema["properties"])
        key = next(key for key in value if key not in known)
        # A required key that is there was not misspelt; others may be there because defaults were filled in.
        given = [name for name in error.schema.get("required", []) if name in value]
        close = difflib.get_close_matches(str(key), [name for name in known if name not in given], n=1)
        # What stands under `then` in the schema holds for one type of object only.
        found = f"a key that type {value['type']} does not have" if "then" in error.schema_path else "an unknown key"
        found += f" (did you mean {close[0]}?)" if close else ""
        return InputError(_place(where, [*path, key]), found, f"one of: {', '.join(known)}")
    if error.validator == "required":
        key = next(key for key in rule if key not in value)
        about = error.schema["properties"][key].get("description", "a value")
        return InputError(_place(where, [*path, key]), "no such key", f"it to be given: {about}")
    if "propertyNames" in error.schema_path:
        return InputError(_place(where, path), f"the name {found}", about + _writing_hint(value, ["string"]))
    match error.validator:
        case "type":
            kinds = [rule] if isinstance(rule, str) else rule
            expected = " or ".join(KINDS[kind] for kind in kinds) + _writing_hint(value, kinds)
        case "enum":
            expected = "one of: " + ", ".join(map(str, rule))
        case "minimum":
            expected = f"{rule} or more"
        case "exclusiveMinimum":
            expected = f"more than {rule}"
        case "maximum":
            expected = f"{rule} or less"
        case "exclusiveMaximum":
            expected = f"less than {rule}"
        case "minItems" | "minLength" | "minProperties":
            unit = "character" if error.validator == "minLength" else "entry"
            found, expected = "nothing in it", f"at least {rule} {unit}"
        case "uniqueItems":
            found = f"{_show(next(item for item in value if value.count(item) > 1))} twice"
            expected = "each once"
        case "pattern":
            expected = about.rstrip(".") or f"text that matches {rule}"
        case _:
            raise ValueError(f"the schema keyword {error.validator!r} has no words here")
    return InputError(_place(where, path), found, expected)


def _place(where: str, path: Sequence[str | int]) -> str:
    """Write a path into the configuration as `where, a.b[0].c`."""
    dotted = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return f"{where}, {dotted.lstrip('.')}" if path else where


def _show(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, list | dict):
        return KINDS["array" if isinstance(value, list) else "object"]
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _writing_hint(value: Any, kinds: Sequence[str]) -> str:
    """How to write the value so that YAML reads it as meant, if that can be told."""
    if isinstance(value, int | float) and "string" in kinds:
        return ": put it in quotes"
    if not isinstance(value, str | float) or not {"integer", "number"} & {*kinds}:
        return ""
    try:
        number = float(value)
    except ValueError:
        return ""
    if not math.isfinite(number) or ("integer" in kinds and not number.is_integer()):
        return ""
    written = str(int(number)) if "integer" in kinds else repr(number)
    if "e" in written and "." not in written:
        written = written.replace("e", ".0e")
    if isinstance(value, float):
        return f": write {written}"
    return f": write {written} without quotes, in a config file (--config makes text of nested numbers)"
