"""Samples that the configuration excludes from the means."""

import pytest

from rnatracks.errors import InputError
from rnatracks.samples.sample import Sample, check_excluded
from rnatracks.vocabulary import Source

SAMPLES = [Sample(name, name[0], Source.LOCAL, {}) for name in ("a1", "a2", "b1")]


@pytest.mark.parametrize("excluded", [[], ["a1"], ["a2"]])
def test_every_cell_type_keeps_a_sample(excluded: list[str]) -> None:
    check_excluded(excluded, SAMPLES, complete=True)


def test_an_unknown_name_is_refused_once_all_samples_are_known() -> None:
    check_excluded(["c1"], SAMPLES, complete=False)
    with pytest.raises(InputError, match=r"config, exclude: found 'c1'; expected sample names: a1, a2, b1"):
        check_excluded(["a1", "c1"], SAMPLES, complete=True)


@pytest.mark.parametrize("complete", [True, False])
@pytest.mark.parametrize(("excluded", "cell_type"), [(["b1"], "b"), (["a1", "a2"], "a")])
def test_a_cell_type_without_a_sample_left_is_refused(excluded: list[str], cell_type: str, complete: bool) -> None:
    with pytest.raises(InputError, match=f"every sample of cell type '{cell_type}'; expected at least one left"):
        check_excluded(excluded, SAMPLES, complete=complete)
