"""Settings of the changes of the sequence whose effects are predicted."""

import difflib
from collections.abc import Mapping
from typing import Any

from pydantic import ConfigDict, Field, model_validator

from ..errors import InputError
from .fields import FILE_NAME, FileName, Location, Section


class VariantSettings(Section):
    """VCF files by the name that their results get, each as a path or a URL."""

    model_config = ConfigDict(extra="allow", json_schema_extra={"propertyNames": {"pattern": FILE_NAME}})
    __pydantic_extra__: dict[FileName, Location] = Field(init=False)

    background: int = Field(default=0, ge=0)
    """Number of random changes, matched to those of each file, that give each effect a percentile; 0 for none. Not the
    name of a file."""

    @property
    def files(self) -> dict[str, str]:
        """Path or URL of each VCF, by name."""
        return dict(self.__pydantic_extra__)

    @model_validator(mode="before")
    @classmethod
    def _check_keys(cls, values: Any) -> Any:
        """Take a key whose value is no text for a misspelt or unknown key, not for the name of a file."""
        if isinstance(values, Mapping):
            for key, value in values.items():
                if key not in cls.model_fields and isinstance(key, str) and not isinstance(value, str):
                    close = difflib.get_close_matches(key, cls.model_fields, n=1)
                    hint = f" (did you mean {close[0]}?)" if close else ""
                    expected = f"one of: {', '.join(cls.model_fields)}; or the name of a VCF and its path or URL"
                    raise InputError(key, f"an unknown key{hint}", expected)
        return values
