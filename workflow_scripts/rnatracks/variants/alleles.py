"""Coverage of both alleles of an edit, predicted only where the model's tiles hold the change."""

import itertools
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..genome.edits import Edit, EditedGenome
from ..genome.sequence import Genome
from ..model.network import CoverageModel
from ..prediction.predict import Precision, TilePlan, reads_both, stitched_coverage, touching_tiles
from ..prediction.predictor import Predictor
from ..prediction.tiles import TilePredictor

SPARE_TILES = 8  # kept in addition to those of a batch of edits, for the next batch and for genes


@dataclass(frozen=True)
class AllelePair:
    """Coverage of both alleles of an edit, over the stretch that the tiles holding the change cover.

    Parameters
    ----------
    edit
        The change.
    edited
        The genome with this change only.
    start, end
        The stretch on the reference, 0-based half-open. On the alternative it is longer by `edit.growth`.
    reference, alternative
        Normalised coverage, `[track, end - start]` and `[track, end - start + edit.growth]`.
    shifted
        Coverage of the reference, `[track, end - start]`, where each base has the place in its tiles that it has on the
        alternative. An insertion or deletion moves the bases to its right relative to the tiles, which alone changes
        what a model predicts. Otherwise the same as `reference`.
    """

    edit: Edit
    edited: EditedGenome
    start: int
    end: int
    reference: NDArray[np.float32]
    alternative: NDArray[np.float32]
    shifted: NDArray[np.float32]

    def counterparts(self) -> Iterator[tuple[int, NDArray[np.float32], NDArray[np.float32]]]:
        """Coverage of bases that both alleles have: (position on the reference, shifted, alternative)."""
        for old, old_end, new in self.edited.counterparts(self.edit.chrom):
            first, last = max(old, self.start), min(old_end, self.end)
            if first < last:
                there = first - old + new - self.start
                bases = slice(first - self.start, last - self.start)
                yield first, self.shifted[:, bases], self.alternative[:, there : there + last - first]


_Place = tuple[Genome, str, int, int]  # chrom:start-end of a genome


class Alleles:
    """Predicts both alleles of edits, with the tiles of the whole chromosome.

    Reference values are therefore those of the predicted tracks. The alternative is the prediction for the edited
    chromosome, whose tiles start at the same distances from its beginning. A tile whose bases were predicted lately is
    not predicted again, so neighbouring edits share the reference, and what is equal in sequence is equal in value.

    Parameters
    ----------
    models
        One copy of the model per device.
    genome
        The reference.
    tiles, precision, batch_size
        As in the prediction of tracks.
    """

    def __init__(
        self, models: Sequence[CoverageModel], genome: Genome, *, tiles: TilePlan, precision: Precision, batch_size: int
    ) -> None:
        self.model = models[0]
        self.genome = genome
        self.tiles = tiles
        self.batch_size = batch_size
        self.predicted = 0  # tiles so far
        self._digits = precision.digits
        self._devices = len(models)
        both = reads_both(self.model, tiles)
        self._predictor = TilePredictor(models, bf16=precision.bf16, reverse_complement=both)
        self._outputs: OrderedDict[bytes, NDArray[np.float32]] = OrderedDict()

    @classmethod
    def of(cls, predictor: Predictor, genome: Genome) -> "Alleles":
        """From a model that was loaded by `load_predictor`."""
        return cls(
            predictor.models,
            genome,
            tiles=predictor.tiles,
            precision=predictor.precision,
            batch_size=predictor.batch_size,
        )

    def pairs(self, edits: Iterable[Edit]) -> Iterator[AllelePair]:
        """Both alleles of each edit, in their order; edits in the order of their positions share most tiles.

        Raises
        ------
        InputError
            If an edit does not fit the genome, or predicted coverage is NaN or infinite.
        """
        remaining, last, reference = iter(edits), None, None
        while batch := list(itertools.islice(remaining, self.edits_at_once)):
            genomes = [EditedGenome(self.genome, [edit]) for edit in batch]
            stretches = [self.stretch(edit) for edit in batch]
            places: list[_Place] = []
            for edit, edited, (start, end) in zip(batch, genomes, stretches, strict=True):
                places += [(self.genome, edit.chrom, start, end), (edited, edit.chrom, start, end + edit.growth)]
                if edit.growth:
                    places.append((self._moved(edit), edit.chrom, edit.end + edit.growth, end + edit.growth))
            predicted = zip(places, self._predict(places), strict=True)
            for edit, edited, (start, end) in zip(batch, genomes, stretches, strict=True):
                of_reference, of_alternative = next(predicted), next(predicted)
                if (edit.chrom, start, end) != last:
                    last = (edit.chrom, start, end)
                    reference = self._stitched(*of_reference)
                shifted = reference
                if edit.growth:
                    moved = self._stitched(*next(predicted))
                    shifted = np.concatenate([reference[:, : edit.end - start], moved], axis=1)
                yield AllelePair(edit, edited, start, end, reference, self._stitched(*of_alternative), shifted)

    @property
    def edits_at_once(self) -> int:
        """Number of edits whose tiles are predicted together."""
        return self.batch_size * self._devices

    def reference(self, chrom: str, start: int, end: int) -> NDArray[np.float32]:
        """Normalised coverage of the reference at chrom:start-end, `[track, end - start]`."""
        parts = []
        # A long stretch in parts, so that only the tiles of one are in memory.
        for first in range(start, end, self.batch_size * self.tiles.size):
            place = (self.genome, chrom, first, min(first + self.batch_size * self.tiles.size, end))
            parts.append(self._stitched(place, self._predict([place])[0]))
        return np.concatenate(parts, axis=1)

    def stretch(self, edit: Edit) -> tuple[int, int]:
        """The stretch of the reference that tiles cover which hold the change, on either allele."""
        length, at = self.genome.lengths[edit.chrom], edit.start
        alleles = [(0, edit.end - edit.start), (edit.growth, len(edit.replacement))]
        if edit.start == edit.end and not edit.replacement:  # no change: that of the base there
            at, alleles = min(at, length - 1), [(0, 1)]
        start, end = at, edit.end
        for growth, bases in alleles:
            # Where an allele has no base, the change lies between two, and a tile must have both.
            for first in touching_tiles(length + growth, at, at + bases, self.tiles):
                start = min(start, first)
                end = max(end, first + self.tiles.size - growth)
        return start, min(end, length)

    def _moved(self, edit: Edit) -> EditedGenome:
        """The reference with all bases of a chromosome as far to the right as an edit moves those behind it."""
        return EditedGenome(self.genome, [Edit(edit.chrom, 0, max(-edit.growth, 0), b"N" * edit.growth)])

    def _predict(self, places: Sequence[_Place]) -> list[dict[int, NDArray[np.float32]]]:
        """Predict the tiles that touch some places, unless their bases were predicted lately.

        Returns
        -------
        For each place, the squashed coverage `[track, size]` of each tile, by the start of the tile.
        """
        size = self.tiles.size
        keys, missing = [], {}
        for genome, chrom, start, end in places:
            own = {}
            for first in touching_tiles(genome.lengths[chrom], start, end, self.tiles) if start < end else ():
                bases = genome.bases(chrom, first, first + size)
                key = own[first] = bases.tobytes()
                if key in self._outputs:
                    self._outputs.move_to_end(key)
                else:
                    missing[key] = bases
            keys.append(own)
        needed = len({key for own in keys for key in own.values()})
        while self._outputs and len(self._outputs) + len(missing) > needed + SPARE_TILES:
            self._outputs.popitem(last=False)
        todo = list(missing)
        batches = [todo[first : first + self.batch_size] for first in range(0, len(todo), self.batch_size)]
        with ThreadPoolExecutor(self._devices) as pool:
            stacked = (np.stack([missing[key] for key in batch]) for batch in batches)
            for batch, output in zip(
                batches, pool.map(self._predictor.predict, stacked, itertools.count()), strict=False
            ):
                self._outputs.update((key, tile.copy()) for key, tile in zip(batch, output, strict=True))
        self.predicted += len(todo)
        return [{first: self._outputs[key] for first, key in own.items()} for own in keys]

    def _stitched(self, place: _Place, outputs: Mapping[int, NDArray[np.float32]]) -> NDArray[np.float32]:
        genome, chrom, start, end = place
        if start == end:
            return np.zeros((len(self.model.config.tracks), 0), np.float32)
        stretches = stitched_coverage(
            outputs.items(), self.model, genome, chrom, start, end, tiles=self.tiles, digits=self._digits
        )
        return np.concatenate([values for _, values in stretches], axis=1)
