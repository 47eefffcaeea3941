"""Chromosomes that a model has seen, identified by sequence: a model that starts from it must not hold them out."""

import hashlib
import logging
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

import pandas as pd

from ..errors import InputError, shorten
from ..genome.sequence import COMPLEMENT, Genome
from ..vocabulary import Split
from .network import CoverageConfig

log = logging.getLogger(__name__)

CHUNK_BASES = 1 << 24  # bases read at once


@dataclass(frozen=True, kw_only=True)
class SeenSequence:
    """A chromosome: its length in bases, its checksum, and what it was used for.

    `md5` is that of the upper-case sequence, as the M5 tag of SAM is, but with N for
    all letters other than A, C, G and T. `split` is `train`, or `valid` if it was used
    for validation and to choose the best epoch.
    """

    name: str
    length: int
    md5: str
    split: str

    @classmethod
    def of(cls, genome: Genome, chrom: str, split: str, *, flipped: bool = False) -> Self:
        """Read a chromosome, or with `flipped` its reverse complement, block by block."""
        length, digest = genome.lengths[chrom], hashlib.md5(usedforsecurity=False)
        for start in range(0, length, CHUNK_BASES):
            end = min(start + CHUNK_BASES, length)
            if flipped:
                bases = COMPLEMENT[genome.bases(chrom, length - end, length - start)[::-1]]
            else:
                bases = genome.bases(chrom, start, end)
            digest.update(bases)
        return cls(name=chrom, length=length, md5=digest.hexdigest(), split=str(split))


def record_sequences(
    config: CoverageConfig,
    genome: Genome,
    *,
    used: pd.DataFrame,
    held_out: pd.DataFrame,
    start: Path | None,
    name: str,
) -> None:
    """Record in a model's configuration which chromosomes it will have seen, including those of its start.

    Parameters
    ----------
    config
        Configuration of the model, in which `training_chromosomes` and `seen_sequences` are set.
    used, held_out
        Windows used for training or validation, and those not used for training; with columns `chrom` and `split`.
    start
        Folder of the model to start from, or None.
    name
        Name of the new model, for error messages.

    Raises
    ------
    InputError
        If the model to start from has seen chromosomes that are held out: see `check_start`.
    """
    before, sequences = CoverageConfig(), []
    if start is not None:
        before, where = CoverageConfig.from_pretrained(start), f"{start}, to start {name} from"
        check_start(before, _sequences(held_out, genome), where, flipped=_sequences(held_out, genome, flipped=True))
        sequences = seen_by(before, where)
    sequences += _sequences(used, genome)
    trained = set(used.loc[used["split"] == Split.TRAIN, "chrom"])
    config.training_chromosomes = sorted(trained | set(before.training_chromosomes))
    config.seen_sequences = [asdict(sequence) for sequence in dict.fromkeys(sequences)]


def _sequences(windows: pd.DataFrame, genome: Genome, *, flipped: bool = False) -> list[SeenSequence]:
    places = windows[["chrom", "split"]].drop_duplicates()
    return [SeenSequence.of(genome, chrom, split, flipped=flipped) for chrom, split in places.itertuples(index=False)]


def seen_by(config: CoverageConfig, where: str) -> list[SeenSequence]:
    """The sequences that a trained model has seen, as listed in its configuration; older models list none.

    Raises
    ------
    InputError
        If an entry of the list is invalid.
    """
    try:
        return [SeenSequence(**entry) for entry in config.seen_sequences]
    except TypeError as error:
        expected = "entries with name, length, md5 and split"
        raise InputError(f"{where}, config.json, seen_sequences", error, expected) from error


def check_start(
    config: CoverageConfig, held_out: Iterable[SeenSequence], where: str, *, flipped: Iterable[SeenSequence] = ()
) -> None:
    """Check that a model to start from has not seen chromosomes that the new model holds out.

    Sequences, and their reverse complements if given (`flipped`), are compared by length
    and checksum, whatever their names. A validation chromosome must not have been used
    for training; a test chromosome must not have been used for validation either. A
    chromosome with the name of a seen one but a different sequence is accepted with a
    warning. Chromosomes of older models that list only names are compared by name, with
    or without `chr`.

    Raises
    ------
    InputError
        If one of them was seen.
    """
    seen = seen_by(config, where)
    read = {sequence.name for sequence in seen if sequence.split == Split.TRAIN}
    unread = [name for name in config.training_chromosomes if name not in read]
    if unread:
        log.warning("%s: it does not list the sequences of %s, so these are compared by name", where, shorten(unread))
    elif not seen:
        log.warning("%s: it does not list its training chromosomes, so they cannot be compared", where)
    trained, watched = [], []
    turned = {(new.name, new.split): new.md5 for new in flipped}
    for new in held_out:
        here = (new.md5, turned.get((new.name, new.split)))
        same = [old for old in seen if old.length == new.length and old.md5 in here]
        trained += [_both_names(old.name, new.name) for old in same if old.split == Split.TRAIN]
        trained += [_both_names(name, new.name) for name in unread if _alike(name, new.name)]
        if new.split == Split.TEST:
            watched += [_both_names(old.name, new.name) for old in same if old.split == Split.VALID]
        if not same:
            _warn_of_namesakes(seen, new, where)
    found = [
        f"{what} {shorten(dict.fromkeys(names))}"
        for what, names in (("was trained on", trained), ("was validated on", watched))
        if names
    ]
    if found:
        expected = "a model that has not seen the coverage of the chromosomes held out by split"
        raise InputError(where, f"a model that {' and '.join(found)}", expected)


def _warn_of_namesakes(seen: Iterable[SeenSequence], new: SeenSequence, where: str) -> None:
    for old in seen:
        if _alike(old.name, new.name):
            log.warning(
                "%s: it has seen a %s of %s bases, which differs from %s here (%s bases, %s); sequence that both share "
                "is not detected",
                where,
                old.name,
                f"{old.length:,}",
                new.name,
                f"{new.length:,}",
                new.split,
            )


def _alike(name: str, other: str) -> bool:
    return name.removeprefix("chr") == other.removeprefix("chr")


def _both_names(there: str, here: str) -> str:
    return there if there == here else f"{there} (here called {here})"
