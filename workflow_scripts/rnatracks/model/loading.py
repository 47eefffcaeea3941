"""One-line error messages for networks from elsewhere that cannot be loaded or run."""

import pickle
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch
from huggingface_hub.errors import StrictDataclassError
from safetensors import SafetensorError, safe_open

from ..errors import InputError

# Raised for damaged files, contradictory settings, missing packages and inputs with other names, for which Transformers
# and PyTorch have no specific exceptions.
FAULTS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    ImportError,
    LookupError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    SafetensorError,
    StrictDataclassError,
    pickle.PickleError,
)
LONGEST = 300


@contextmanager
def errors_in_one_line(where: object, expected: str, files: Sequence[Path] = ()) -> Iterator[None]:
    """Convert an error in the block into an `InputError`; if one of the weight `files` is damaged, it is named."""
    try:
        yield
    except InputError:
        raise
    except FAULTS as error:
        found = next(filter(None, map(find_damage_of_file, files)), None)
        raise InputError(where, found or describe_error(error), expected) from error


def describe_error(error: BaseException) -> str:
    """Message of an error on one line, shortened, with the type of the error unless the message explains enough."""
    said = textwrap.shorten(str(error), LONGEST)
    explains = isinstance(error, OSError | SafetensorError | ValueError) and said
    return said if explains else f"{type(error).__name__}: {said}"


def find_damage_of_file(path: Path) -> str | None:
    """Describe what is wrong with a weight file; None if it can be read. A `.bin` file is read completely."""
    try:
        if path.suffix == ".safetensors":
            with safe_open(path, "pt"):
                return None
        torch.load(path, map_location="meta", weights_only=True)
    except pickle.PickleError:
        return f"{path.name}, which does not contain PyTorch weights"
    except FAULTS as error:
        return f"{path.name}, which is damaged ({describe_error(error)})"
    return None
