"""Errors that are reported in one line: bad input that a user can fix, failed processes and requested stops."""

import re
from collections.abc import Collection


class InputError(ValueError):
    """Bad input: where it is, what was found there and what was expected.

    Parameters
    ----------
    where
        File, and the row, column or key in it.
    found, expected
        What is there, and what should be.

    Examples
    --------
    >>> print(InputError("samples.tsv, row 3, cell_type", "'liver'", "one of: B, NK"))
    samples.tsv, row 3, cell_type: found 'liver'; expected one of: B, NK
    """

    def __init__(self, where: object, found: object, expected: object) -> None:
        super().__init__(str(where), str(found), str(expected))  # pickle rebuilds an exception from these

    def __str__(self) -> str:
        where, found, expected = self.args
        return " ".join(f"{where}: found {found}; expected {expected}".split())


class WorkerError(RuntimeError):
    """One of several processes failed; its output says why."""


class StoppedError(RuntimeError):
    """All processes were asked to stop, saved a checkpoint and ended before the work was done."""


def alias_of(name: str, present: Collection[str]) -> str | None:
    """The name that a file uses instead of `name` for a chromosome; None if it has no such name.

    Names mean the same chromosome if they differ only in a `chr` prefix, in leading zeros, in letter case, or as M
    and MT do.

    Examples
    --------
    >>> alias_of("chrM", ["1", "MT"]), alias_of("chr1", ["Chr01", "chr10"]), alias_of("chr1", ["chr11"])
    ('MT', 'Chr01', None)
    """
    key = _chromosome_key(name)
    return next((other for other in present if _chromosome_key(other) == key), None)


def alias_hint(missing: str, present: Collection[str]) -> str:
    """A hint for an error: the file's own name for a chromosome that it lacks under this name; empty without one."""
    alias = alias_of(missing, present)
    return f" (the file calls it {alias!r})" if alias is not None else ""


def _chromosome_key(name: str) -> str:
    bare = re.sub("^0+(?=[0-9])", "", name.lower().removeprefix("chr"))
    return "m" if bare == "mt" else bare


def shorten(names: Collection[str], limit: int = 12) -> str:
    """Join the first `limit` names with commas; if there are more, add how many there are in all."""
    listed = ", ".join(list(names)[:limit])
    return listed if len(names) <= limit else f"{listed}, ... ({len(names)} in all)"
