"""Errors whose one line says all: bad input, which a user can mend, and what ends the work of several processes."""

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


def prefix_hint(missing: str, present: Collection[str]) -> str:
    """Say that a file calls chromosome `chr1` only `1`, or the other way round, if it does."""
    other = missing.removeprefix("chr") if missing.startswith("chr") else f"chr{missing}"
    return f" (the file calls it {other!r})" if other in present else ""


def shorten(names: Collection[str], limit: int = 12) -> str:
    """Join names with commas, the first `limit` of them."""
    listed = ", ".join(list(names)[:limit])
    return listed if len(names) <= limit else f"{listed}, ... ({len(names)} in all)"
