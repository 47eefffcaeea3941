"""What follows from a configuration: splits of chromosomes, file names of loci, where seams are looked for."""

from rnatracks.config.settings import chromosome_splits, loci_by_file, seam_chromosomes
from rnatracks.vocabulary import Split


def test_a_chromosome_trains_unless_it_is_held_out() -> None:
    config = {"genome": {"chromosomes": ["chr2", "chr1", "chr3"]}, "split": {"valid": ["chr3"], "test": ["chr2"]}}
    splits = chromosome_splits(config)
    assert list(splits.items()) == [("chr2", Split.TEST), ("chr1", Split.TRAIN), ("chr3", Split.VALID)]


def test_loci_are_found_by_their_file_names() -> None:
    by_file = {"chr19_39407000-39439000": "chr19:39,407,000-39,439,000", "RPS16": " RPS16 ", "_b_1__b_": "<b>1</b>"}
    assert loci_by_file({"loci": list(by_file.values())}) == by_file


def test_seams_are_looked_for_where_nothing_was_trained() -> None:
    config = {"genome": {"chromosomes": ["chr2", "chr1", "chr3"]}, "split": {"test": ["chr1", "chr3"]}}
    assert seam_chromosomes(config) == ["chr1", "chr3"]
    assert seam_chromosomes(config | {"split": {"test": []}}) == ["chr2"]
