"""Building blocks of the configuration: the base class of its sections, and field types with their checks."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    PlainSerializer,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)

from ..downloads.data_file import is_url
from ..downloads.locations import SHELL_VARIABLE, check_location, normal_path
from ..errors import InputError


class Section(BaseModel):
    """Keys and values of the configuration; the docstring below a field is its description for users.

    Values must have the declared type, as YAML reads them: `60.0` windows or the text `1e8` are refused.
    Unknown keys are refused as well. Sections are immutable.
    """

    model_config = ConfigDict(
        strict=True, extra="forbid", frozen=True, allow_inf_nan=False, use_attribute_docstrings=True
    )


def _plain(text: str) -> str:
    check_location("", text)
    return text


def _usual_path(location: str) -> str:
    if "://" in location and not is_url(location):
        raise InputError("", repr(location), "a path, or a URL that starts with http:// or https://")
    with usable(location):
        return normal_path("", location)


@contextmanager
def usable(location: str) -> Iterator[None]:
    """Raise an `InputError` for a path that the file system rejects, such as one that is too long."""
    try:
        yield
    except OSError as error:
        raise InputError("", repr(location), f"a usable path ({error.strerror})") from error


def _own_folder(location: str) -> str:
    with usable(location):
        path = normal_path("", location)
        folder = Path(path)
        there = next(above for above in (folder, *folder.parents) if os.path.lexists(above))
        if folder in (Path(), Path("/")) or "://" in path or not there.is_dir():
            raise InputError("", repr(path), "a separate local folder")
        if SHELL_VARIABLE.search(path) and not folder.is_dir():
            raise InputError("", repr(path), "a path without variables, which are not expanded here")
        if normal_path("", os.path.realpath(folder)) == ".":
            raise InputError("", f"{path!r}, the working directory", "a separate local folder")
        return path


def _as_written(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
    """Keep integers as integers where fractions are allowed, so that text and file names show them as written."""
    handler(value)
    return value


def _once(values: tuple[Any, ...]) -> tuple[Any, ...]:
    for value in values:
        if values.count(value) > 1:
            raise InputError("", f"{value!r} twice", "each entry only once")
    return values


def _odd(value: int) -> int:
    if value % 2 == 0:
        raise InputError("", value, "an odd number")
    return value


# Patterns in words, for fields whose description does not explain them.
PATTERNS = {
    r"^[^\s/]+$": "a name without spaces or slashes",
    r"^[A-Za-z0-9_][A-Za-z0-9_.-]*$": "letters, digits, '_', '.' and '-', starting with a letter, a digit or '_'",
    r"^(each|all)$": "",
    r"^[A-Za-z0-9_][A-Za-z0-9_-]*$": "letters, digits, '_' and '-', starting with a letter, a digit or '_'",
}
CHROMOSOME, NAME, EACH_OR_ALL, FILE_NAME = PATTERNS

Text = Annotated[str, Field(min_length=1), AfterValidator(_plain)]
Word = Annotated[str, AfterValidator(_plain)]
Location = Annotated[Text, AfterValidator(_usual_path)]
Folder = Annotated[Text, AfterValidator(_own_folder)]
ChromosomeName = Annotated[str, Field(pattern=CHROMOSOME), AfterValidator(_plain)]
Name = Annotated[str, Field(pattern=NAME)]
FileName = Annotated[str, Field(pattern=FILE_NAME)]  # a file name goes on with a dot
Number = Annotated[float, WrapValidator(_as_written), PlainSerializer(lambda number: number)]
Odd = Annotated[int, Field(ge=1), AfterValidator(_odd)]
Md5 = Annotated[str, Field(pattern=r"^([0-9a-f]{32}|https?://.+)$"), AfterValidator(_plain)]
BaseUrl = Annotated[str, Field(pattern=r"^https?://"), AfterValidator(_plain)]


@dataclass(frozen=True)
class SchemaOf:
    """Give a field the JSON schema of a section; no key is required, and none has a default."""

    section: type[Section]

    def __get_pydantic_json_schema__(self, _: Any, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        whole = handler.resolve_ref_schema(handler(self.section.__pydantic_core_schema__))
        keys = {
            name: {part: value for part, value in key.items() if part != "default"}
            for name, key in whole["properties"].items()
        }
        return {**{part: value for part, value in whole.items() if part != "required"}, "properties": keys}


LIST = BeforeValidator(lambda value: tuple(value) if isinstance(value, list) else value)  # YAML has lists only
Words = Annotated[tuple[Word, ...], AfterValidator(_once), LIST]
Texts = Annotated[tuple[Text, ...], AfterValidator(_once), LIST]
Names = Annotated[tuple[str, ...], LIST]
ChromosomeNames = Annotated[tuple[ChromosomeName, ...], Field(min_length=1), AfterValidator(_once), LIST]
