"""Reference of the configuration, generated from its definition: a JSON schema for editors and a table for people.

`make reference` runs this module, which writes both into the `config` folder of the working directory.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import BaseModel

from ..files import read_text, write_text
from .error_messages import bare, describe, is_section, tags
from .settings import Settings

SCHEMA = Path("schemas/config.schema.json")
TABLE = re.compile(r"(?<=\| field \| default \| meaning \|\n\| --- \| --- \| --- \|\n)(?:\|.*\n)+")


def json_schema() -> dict[str, Any]:
    """The JSON schema, with each description on one line."""
    return _without_titles(Settings.model_json_schema()) | {"title": "rnatracks configuration"}


def reference_table() -> str:
    """The rows of the table in `config/README.md`, one per field."""
    return "".join(f"| `{key}` | {default} | {about} |\n" for key, default, about in _rows(Settings, ""))


def write_reference(folder: Path) -> None:
    """Write the schema and the table in `README.md` of a `config` folder."""
    write_text(folder / SCHEMA, json.dumps(json_schema(), indent=2) + "\n")
    readme = folder / "README.md"
    write_text(readme, TABLE.sub(lambda _: reference_table(), read_text(readme)))


def _rows(section: type[BaseModel], prefix: str) -> Iterator[tuple[str, str, str]]:
    for name, field in section.model_fields.items():
        key = f"{prefix}{name}"
        node = bare(field.annotation)
        plain = not field.is_required() and not isinstance(field.default, BaseModel)
        yield key, f"`{_yaml(field.default)}`" if plain else "", describe(field)
        if is_section(node):
            yield from _rows(node, f"{key}.")
        for tag, branch in tags(node).items():
            if is_section(section_of_tag := bare(branch)):
                yield from _rows(section_of_tag, f"{key}[{tag}].")
        if getattr(node, "__origin__", None) is dict and is_section(inner := bare(get_args(node)[1])):
            yield from _rows(inner, f"{key}.NAME.")


def _yaml(value: Any) -> str:
    if isinstance(value, float) and value >= 1e6:
        return f"{value:.1e}".replace("e+0", "e+")
    text = yaml.safe_dump(list(value) if isinstance(value, tuple) else value, default_flow_style=True, width=1000)
    return text.removesuffix("\n").removesuffix("\n...")


def _without_titles(node: Any) -> Any:
    if isinstance(node, list):
        return [_without_titles(item) for item in node]
    if not isinstance(node, dict):
        return node
    return {
        key: " ".join(value.split()) if key == "description" and isinstance(value, str) else _without_titles(value)
        for key, value in node.items()
        if key != "title" or not isinstance(value, str)
    }


if __name__ == "__main__":
    write_reference(Path("config"))
