"""Errors whose one line says all: bad input, which a user can mend, and what ends the work of several processes."""

import re
from collections.abc import Collection


class InputError(ValueError):
    """Bad input: where it is, what was found there and what was expected.

    Parameters
    ----------
    where
        File, and the row, column or key in it.
    found, expected
        What stands there, and what should.

    Examples
    --------
    >>> print(InputError("samples.tsv, row 3, cell_type", "'liver'", "one of: B, NK"))
    samples.tsv, row 3, cell_type: found 'liver'; expected one of: B, NK
    """

    def __init__(self, where: object, found: object, expected: object) -> None:
        super().__init__(str(where), str(found), str(expected))  # pickle makes an exception anew from these

    def __str__(self) -> str:
        where, found, expected = self.args
        return " ".join(f"{where}: found {found}; expected {expected}".split())


class WorkerError(RuntimeError):
    """A process of several failed; what it printed says why."""


class StoppedError(RuntimeError):
    """All processes were asked to stop, saved a checkpoint and ended before they were done."""


def alias_of(name: str, present: Collection[str]) -> str | None:
    """What a file that lacks a chromosome calls it instead; None if it has no such name.

    Names that differ in a `chr` in front, in zeros before a number, in letter case, or as M and MT
    do, are of one chromosome.

    Examples
    --------
    >>> alias_of("chrM", ["1", "MT"]), alias_of("chr1", ["Chr01", "chr10"]), alias_of("chr1", ["chr11"])
    ('MT', 'Chr01', None)
    """
    key = _chromosome_key(name)
    return next((other for other in present if _chromosome_key(other) == key), None)


def alias_hint(missing: str, present: Collection[str]) -> str:
    """Say what a file calls a chromosome that it lacks under this name, if it does."""
    alias = alias_of(missing, present)
    return f" (the file calls it {alias!r})" if alias is not None else ""


def _chromosome_key(name: str) -> str:
    bare = re.sub("^0+(?=[0-9])", "", name.lower().removeprefix("chr"))
    return "m" if bare == "mt" else bare


def shorten(names: Collection[str], limit: int = 12) -> str:
    """Join names with commas, the first `limit` of them."""
    listed = ", ".join(list(names)[:limit])
    return listed if len(names) <= limit else f"{listed}, ... ({len(names)} in all)"
