"""Our scores beside published ones: rows, columns, and what stands in which."""

from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from rnatracks.config.settings import read_settings
from rnatracks.report.published import beside_published, read_published, remaining_differences

RESOURCES = Path(__file__).parents[2] / "resources"
PUBLISHED = read_published(RESOURCES / "published.tsv")
ONTOLOGIES = {"NK": "CL:0000623", "GM12878": "EFO:0002784", "liver": None}


def some_scores(cell_types: list[str], splits: tuple[str, ...]) -> tuple[pd.DataFrame, pd.DataFrame]:
    rows = [
        (f"genos-{name}", name, strand, split, index + place / 10 + (strand == "minus") / 100)
        for index, name in enumerate(cell_types)
        for strand in ("plus", "minus")
        for place, split in enumerate(splits)
    ]
    gene = pd.DataFrame(rows, columns=["model", "cell_type", "strand", "split", "pearson_log1p"])
    base = pd.concat([gene.assign(region="exon", pearson_log1p=-1), gene.assign(region="all")], ignore_index=True)
    return base, gene.assign(pearson_log1p=-2, pearson_log1p_gene_body=gene["pearson_log1p"] + 100)


def test_published_cell_types_come_first_and_in_the_published_order() -> None:
    found = beside_published(*some_scores(["liver", "NK", "GM12878"], ("train", "test", "all")), ONTOLOGIES, PUBLISHED)
    assert found["cell_type"].tolist() == ["GM12878", "GM12878", "NK", "NK", "liver", "liver"]
    assert found["strand"].tolist() == ["plus", "minus"] * 3
    assert found["single_base_published"].tolist()[:4] == [0.933467, 0.918187, 0.908418, 0.856171]
    assert found["gene_body_published"].tolist()[:4] == [0.8641, 0.9081, 0.9267, 0.8969]
    assert found["single_base_published"][4:].isna().all()
    np.testing.assert_allclose(found["single_base_in_sample"], [2, 2.01, 1, 1.01, 0, 0.01])
    np.testing.assert_allclose(found["single_base_held_out"], [2.1, 2.11, 1.1, 1.11, 0.1, 0.11])
    np.testing.assert_allclose(found["gene_body_in_sample"], [102, 102.01, 101, 101.01, 100, 100.01])


def test_nothing_held_out_leaves_that_column_empty() -> None:
    found = beside_published(*some_scores(["GM12878"], ("train", "all")), ONTOLOGIES, PUBLISHED)
    assert found["single_base_held_out"].isna().all() and found["single_base_in_sample"].notna().all()


def test_other_cell_types_have_no_published_columns() -> None:
    found = beside_published(*some_scores(["liver"], ("train", "test")), ONTOLOGIES, PUBLISHED)
    assert not [name for name in found if "published" in name]
    assert len(found) == 2


def test_differences_that_remain_are_named() -> None:
    """Two always; the others only where an option differs."""
    config = yaml.safe_load((RESOURCES.parent / "config/config.yaml").read_text())
    kinds = [text.split(":")[0] for text in remaining_differences(read_settings(config))]
    assert kinds == ["Single bases", "Gene bodies", "Level", "Targets", "Stitching"]
    config["normalisation"] |= {"per": "file", "track_mean": "track"}
    config["prediction"]["stitch"] = "mean_raw"
    kinds = [text.split(":")[0] for text in remaining_differences(read_settings(config))]
    assert kinds == ["Single bases", "Gene bodies", "Level"]
    config["normalisation"]["over"] = "all"
    assert len(remaining_differences(read_settings(config))) == 2


def test_held_out_figures_of_others_name_protocol_and_source() -> None:
    others = read_published(RESOURCES / "held_out_others.tsv")
    assert not others.isna().any(axis=None)
    first = others.iloc[0]
    assert (first["system"], first["level"], first["value"]) == ("AlphaGenome", "single base", 0.81)
    assert others["value"].between(0, 1).all()
