"""Which files and cell types the rules of a run take."""

import pytest

from rnatracks.planning.inputs import first_cell_types


@pytest.mark.parametrize(
    ("panels", "chosen"),
    [({"a": 4, "b": 4, "c": 4}, "ab"), ({"a": 4, "b": 2, "c": 2}, "abc"), ({"a": 9, "b": 1}, "a"), ({"a": 8}, "a")],
)
def test_first_cell_types(panels: dict[str, int], chosen: str) -> None:
    assert first_cell_types(panels, limit=8) == list(chosen)
