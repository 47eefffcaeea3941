"""What goes wrong while a network is loaded or run that others made, in one line."""

import pickle
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch
from huggingface_hub.errors import StrictDataclassError
from safetensors import SafetensorError, safe_open

from ..errors import InputError

# Damaged files, settings that contradict each other, a missing package, inputs under other names: Transformers and
# PyTorch have no error of their own for these.
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
    """Raise what goes wrong in the block as an `InputError`, which names the damaged one of `files`, of weights."""
    try:
        yield
    except InputError:
        raise
    except FAULTS as error:
        found = next(filter(None, map(find_damage_of_file, files)), None)
        raise InputError(where, found or describe_error(error), expected) from error


def describe_error(error: BaseException) -> str:
    """An error's message on one line, not too long, with its kind where that says more than the message."""
    said = textwrap.shorten(str(error), LONGEST)
    explains = isinstance(error, OSError | SafetensorError | ValueError) and said
    return said if explains else f"{type(error).__name__}: {said}"


def find_damage_of_file(path: Path) -> str | None:
    """Say what is wrong with a file of weights; None if it can be read. A `.bin` is read whole."""
    try:
        if path.suffix == ".safetensors":
            with safe_open(path, "pt"):
                return None
        torch.load(path, map_location="meta", weights_only=True)
    except pickle.PickleError:
        return f"{path.name}, which holds something else than PyTorch's weights"
    except FAULTS as error:
        return f"{path.name}, which is damaged ({describe_error(error)})"
    return None
