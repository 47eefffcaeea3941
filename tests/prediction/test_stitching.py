"""Stitching, against whole arrays: one value a base from overlapping tiles, whatever the mode and the shapes."""

import tracemalloc
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from rnatracks.errors import InputError
from rnatracks.genome.windows import tile_starts
from rnatracks.prediction.stitching import Stitch, View, joined, stitch, tile_weights

VIEWS = [View.LEFT, View.RIGHT, View.BOTH]
# Length, size, overlap: shorter than a tile, as long, one base more, and lengths that no number of steps divides.
SHAPES = [
    (1, 40, 10),
    (39, 40, 10),
    (40, 40, 10),
    (41, 40, 10),
    (70, 40, 10),
    (71, 40, 10),
    (997, 40, 0),
    (997, 40, 20),
    (997, 41, 40),
    (997, 64, 33),
]


def collect(stretches: Iterator[tuple[int, NDArray[np.float64]]], start: int = 0) -> NDArray[np.float64]:
    """Put stretches together, refusing any that is empty or does not continue the last."""
    parts, position = [], start
    for first, values in stretches:
        assert first == position
        assert values.shape[1] > 0
        position += values.shape[1]
        parts.append(values)
    return np.concatenate(parts, axis=1)


def noisy_tiles(length: int, size: int, overlap: int) -> list[tuple[int, NDArray[np.float64]]]:
    """Tiles that each hold one level a track, so that a base's value tells the tiles that it came from."""
    rng = np.random.default_rng(length + size + overlap)
    return [(start, np.repeat(rng.random((3, 1)), size, 1)) for start in tile_starts(length, size, overlap)]


def distance_from_nearer_end(start: int, size: int, base: int) -> int:
    return min(base - start + 1, start + size - base)


def distance_from_middle(start: int, size: int, base: int) -> float:
    return abs(base - (start + (size - 1) / 2))


def whole_mean(weight: Callable[[int, int, int], float]) -> Callable:
    """Every base's weighted mean, over all tiles that hold it."""

    def value(tiles: list[tuple[int, NDArray]], size: int, base: int, row: int) -> float:
        weights = [weight(start, size, base) for start, _ in tiles]
        levels = [tile[row, base - start] for start, tile in tiles]
        return sum(w * level for w, level in zip(weights, levels, strict=True)) / sum(weights)

    return value


def whole_choice(cost: Callable[[int, int, int, int], float]) -> Callable:
    """Every base's tile of least cost; `min` keeps the first of equals."""

    def value(tiles: list[tuple[int, NDArray]], size: int, base: int, row: int) -> float:
        start, tile = min(tiles, key=lambda pair: cost(pair[0], size, base, row))
        return tile[row, base - start]

    return value


def least_read(start: int, size: int, base: int, row: int) -> float:
    """Minus the bases that a model has read of a tile: left of a base, right of it, on the lesser side."""
    left, right = base - start, start + size - 1 - base
    return -[left, right, min(left, right)][row]


ORACLES = {
    Stitch.BLEND: whole_mean(distance_from_nearer_end),
    Stitch.MEAN: whole_mean(lambda start, size, base: 1),
    Stitch.MEAN_RAW: whole_mean(lambda start, size, base: 1),
    Stitch.CENTER: whole_choice(lambda start, size, base, row: distance_from_middle(start, size, base)),
    Stitch.CONTEXT: whole_choice(least_read),
}


def whole_array(mode: Stitch, tiles: list[tuple[int, NDArray]], size: int, length: int) -> NDArray[np.float64]:
    result = np.zeros((3, length))
    for base in range(length):
        holding = [(start, tile) for start, tile in tiles if start <= base < start + size]
        result[:, base] = [ORACLES[mode](holding, size, base, row) for row in range(3)]
    return result


@pytest.mark.parametrize("mode", Stitch)
@pytest.mark.parametrize(("length", "size", "overlap"), SHAPES)
def test_tiles_cut_from_an_array_give_it_back(mode: Stitch, length: int, size: int, overlap: int) -> None:
    """Float32 times a whole weight has room in float64: the mean of equal values is exactly that value."""
    values = np.random.default_rng(1).gamma(0.3, 20, (3, length)).astype(np.float32)
    padded = np.pad(values, [(0, 0), (0, size)], constant_values=1e9)
    tiles = ((start, padded[:, start : start + size]) for start in tile_starts(length, size, overlap))
    np.testing.assert_array_equal(collect(stitch(tiles, 0, length, tile_weights(mode, size, VIEWS))), values)


# The last tile of 37 bases is a whole step of 7 away, that of 38 a single base; 22 of 30 lets four tiles overlap.
NOISY = [(37, 30, 23), (38, 30, 23), (200, 30, 22), (203, 30, 15), (203, 31, 15), (203, 30, 16), (203, 31, 30)]


@pytest.mark.parametrize("mode", Stitch)
@pytest.mark.parametrize(("length", "size", "overlap"), NOISY)
def test_tiles_that_disagree_are_joined_as_in_whole_arrays(mode: Stitch, length: int, size: int, overlap: int) -> None:
    tiles = noisy_tiles(length, size, overlap)
    expected = whole_array(mode, tiles, size, length)
    found = collect(stitch(iter(tiles), 0, length, tile_weights(mode, size, VIEWS)))
    if mode in (Stitch.CENTER, Stitch.CONTEXT):
        np.testing.assert_array_equal(found, expected)
    else:
        np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("mode", "left", "right", "both"),
    [
        (Stitch.MEAN, 2, 2, 2),
        (Stitch.MEAN_RAW, 2, 2, 2),
        (Stitch.BLEND, 2, 2, 2),  # it is the last base of one tile and the first of the other: both weigh 1
        (Stitch.CENTER, 1, 1, 1),  # as far from one middle as from the other: the first tile keeps it
        (Stitch.CONTEXT, 1, 3, 1),
    ],
)
def test_a_shared_base_by_hand(mode: Stitch, left: float, right: float, both: float) -> None:
    """Tiles of 4 bases at 0 and 3, of levels 1 and 3, share base 3."""
    tiles = [(0, np.full((3, 4), 1.0)), (3, np.full((3, 4), 3.0))]
    found = collect(stitch(tiles, 0, 7, tile_weights(mode, 4, VIEWS)))
    assert found.tolist() == [[1, 1, 1, shared, 3, 3, 3] for shared in (left, right, both)]


@pytest.mark.parametrize("mode", Stitch)
def test_a_mode_may_be_a_word(mode: Stitch) -> None:
    word, member = (tile_weights(choice, 5, VIEWS) for choice in (mode.value, mode))
    np.testing.assert_array_equal(word.values, member.values)
    assert word.choose is member.choose


@pytest.mark.parametrize("word", ["banana", "Blend", "", None])
def test_another_word_is_refused(word: str | None) -> None:
    with pytest.raises(InputError, match=f"^stitch: found {word!r}; expected one of: blend, .*, mean_raw, context$"):
        tile_weights(word, 5, VIEWS)


def test_context_looks_from_where_the_model_reads() -> None:
    """Of two tiles, LEFT takes the one in which the base is furthest right, RIGHT the other one."""
    tiles = [(0, np.full((3, 10), 1.0)), (4, np.full((3, 10), 2.0))]
    left, right, both = collect(stitch(tiles, 0, 14, tile_weights(Stitch.CONTEXT, 10, VIEWS)))
    assert left.tolist() == [1] * 10 + [2] * 4
    assert right.tolist() == [1] * 4 + [2] * 10
    assert both.tolist() == [1] * 7 + [2] * 7


def test_context_is_mirrored_with_the_sequence() -> None:
    """Tiles that lie alike from both ends: what LEFT does from the left, RIGHT does from the right."""
    size, length = 30, 30 + 9 * 12
    tiles = noisy_tiles(length, size, 30 - 12)
    mirrored = [(length - size - start, tile[[1, 0, 2], ::-1]) for start, tile in reversed(tiles)]
    weights = tile_weights(Stitch.CONTEXT, size, VIEWS)
    left, right, _ = collect(stitch(tiles, 0, length, weights))
    mirrored_left, mirrored_right, _ = collect(stitch(mirrored, 0, length, weights))
    np.testing.assert_array_equal(mirrored_left, right[::-1])
    np.testing.assert_array_equal(mirrored_right, left[::-1])


@pytest.mark.parametrize("mode", Stitch)
def test_a_region_is_a_slice_of_the_whole(mode: Stitch) -> None:
    length, size = 203, 30
    tiles, weights = noisy_tiles(length, size, 16), tile_weights(mode, size, VIEWS)
    whole = collect(stitch(tiles, 0, length, weights))
    for start, end in [(0, 1), (0, 30), (1, 203), (14, 28), (100, 101), (95, 140), (172, 173), (173, 203), (202, 203)]:
        touching = [(first, tile) for first, tile in tiles if first < end and first + size > start]
        np.testing.assert_array_equal(collect(stitch(touching, start, end, weights), start), whole[:, start:end])


def test_values_come_before_all_tiles_are_read() -> None:
    asked = []

    def tiles() -> Iterator[tuple[int, NDArray]]:
        for start in tile_starts(1000, 40, 20):
            asked.append(start)
            yield start, np.zeros((1, 40))

    stretches = stitch(tiles(), 0, 1000, tile_weights(Stitch.BLEND, 40, [View.BOTH]))
    position, values = next(stretches)
    assert (position, values.shape) == (0, (1, 20))
    assert asked == [0, 20]


@pytest.mark.parametrize("mode", Stitch)
def test_memory_does_not_grow_with_the_chromosome(mode: Stitch) -> None:
    """2 million bases of two tracks would be 32 MB; a tile of 1,000 is 16 kB."""
    tiles = ((start, np.ones((2, 1000), np.float32)) for start in tile_starts(2_000_000, 1000, 500))
    weights = tile_weights(mode, 1000, [View.LEFT, View.RIGHT])
    tracemalloc.start()
    total = sum(values.sum() for _, values in stitch(tiles, 0, 2_000_000, weights))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert total == 4_000_000
    assert peak < 1_000_000


def test_stretches_are_the_callers_own() -> None:
    """What is yielded may be changed, and later tiles do not change it."""
    tiles = noisy_tiles(203, 30, 16)
    for mode in Stitch:
        weights = tile_weights(mode, 30, VIEWS)
        untouched = collect(stitch(tiles, 0, 203, weights))
        kept = []
        for _, values in stitch(tiles, 0, 203, weights):
            kept.append(values.copy())
            values[:] = -1
        np.testing.assert_array_equal(np.concatenate(kept, axis=1), untouched)


@pytest.mark.parametrize(("size", "expected"), [(1, [1]), (2, [1, 1]), (7, [1, 2, 3, 4, 3, 2, 1]), (4, [1, 2, 2, 1])])
def test_blend_weights_are_symmetric_and_positive(size: int, expected: list[int]) -> None:
    weights = tile_weights(Stitch.BLEND, size, [View.LEFT, View.BOTH])
    assert weights.values.tolist() == [expected, expected]
    assert not weights.choose


@pytest.mark.parametrize(
    ("starts", "region", "message"),
    [
        ([], (0, 10), "end before 10"),
        ([5, 10], (0, 20), "at 5, leaves a gap after 0"),
        ([5, 10], (4, 20), "at 5, leaves a gap after 4"),
        ([0, 11, 20], (0, 30), "at 11 after one at 0 leaves a gap"),
        ([0, 8, 6], (0, 16), "at 6 after one at 8 leaves a gap or goes back"),
        ([0, 8, 8], (0, 18), "at 8 after one at 8 leaves a gap or goes back"),
        ([0, 8], (0, 19), "end before 19"),
        ([0, 8, 16], (0, 12), "at 16 lies outside 0 to 12"),
        ([0, 8, 16], (10, 20), "at 0 lies outside 10 to 20"),
    ],
    ids=["none", "late first", "late in a region", "gap", "out of order", "twice", "short", "beyond", "before"],
)
@pytest.mark.parametrize("mode", Stitch)
def test_bad_tiles_are_refused(mode: Stitch, starts: list[int], region: tuple[int, int], message: str) -> None:
    tiles = ((start, np.ones((1, 10))) for start in starts)
    with pytest.raises(ValueError, match=message):
        list(stitch(tiles, *region, tile_weights(mode, 10, [View.LEFT])))


@pytest.mark.parametrize("bases", [1, 10, 25, 300, 996, 997, 5000])
def test_joined_stretches_are_long_and_hold_the_same(bases: int) -> None:
    tiles = noisy_tiles(997, 40, 10)
    weights = tile_weights(Stitch.BLEND, 40, VIEWS)
    whole = collect(stitch(tiles, 3, 997, weights), 3)
    stretches = [(first, values.copy()) for first, values in joined(stitch(tiles, 3, 997, weights), bases)]
    np.testing.assert_array_equal(collect(iter(stretches), 3), whole)
    assert all(values.shape[1] >= bases for _, values in stretches[:-1])
    assert all(values.shape[1] < bases + 40 for _, values in stretches)


def test_nothing_joined_is_nothing() -> None:
    assert list(joined([], 10)) == []
