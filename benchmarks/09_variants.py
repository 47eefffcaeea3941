"""Both alleles of 200 SNVs within 20 tiles, on one core, with the demo's language model and a U-Net of random weights.

Ours predicts the two changed tiles of each variant in batches of 16, and the reference once. It is compared with:

- the windows of either allele one by one: for each variant, all tiles from which its stretch is stitched (4 of either
  allele), as the prediction of tracks does with a batch size of 1; the values are the same;
- the same in batches: up to 4 tiles at once;
- one window around the variant for either allele, as scripts for other models do. These are 2 windows in place of 8,
  and other values, because a second tile that holds the variant is not asked.

    python benchmarks/09_variants.py [--folder FOLDER] [--json FILE]
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from harness import Bench, Numbers, Result, Target, Way, demo_backbone, main, rows

from rnatracks.genome.sequence import Genome, open_genome
from rnatracks.model.backbone import load_backbone, token_ids
from rnatracks.model.folder import load_model, save_model
from rnatracks.model.network import CoverageConfig, CoverageModel
from rnatracks.prediction.predict import Precision, TilePlan, predict_region
from rnatracks.prediction.stitching import Stitch
from rnatracks.prediction.tiles import TilePredictor
from rnatracks.variants.alleles import Alleles
from rnatracks.variants.edits import Edit, EditedGenome

CHROM, LENGTH, SIZE, BATCH = "chr1", 60_000, 2_048, 16
TILES = TilePlan(size=SIZE, overlap=SIZE // 2, stitch=Stitch.BLEND)
NUMBERS = Precision(bf16=False, digits=None)
ONE_BY_ONE = "windows of either allele, one by one"
FIRST, SPAN, VARIANTS = 10_240, 20 * SIZE // 2, 200
BACKBONES = {"language model": demo_backbone(), "U-Net": {"type": "unet", "widths": [16, 24, 32, 48, 64]}}


def make_data(folder: Path) -> None:
    """A random chromosome and two models."""
    bases = np.random.default_rng(0).choice([*"ACGT"], LENGTH)
    (folder / "genome.fa").write_text(f">{CHROM}\n{''.join(bases)}\n")
    open_genome(folder / "genome.fa")
    for name, shape in BACKBONES.items():
        torch.manual_seed(0)
        backbone, tokenizer = load_backbone(shape, max_length=SIZE)
        config = CoverageConfig(
            backbone_config=backbone.config,
            tracks=["B.plus", "B.minus"],
            track_means=[1.0, 1.0],
            head_channels=[32, 16],
            window_size=SIZE,
            token_ids=token_ids(tokenizer),
        )
        save_model(CoverageModel(config, backbone), tokenizer, folder / name)


def read(folder: Path, name: str) -> tuple[CoverageModel, Genome, list[Edit]]:
    torch.set_num_threads(1)
    genome = Genome(folder / "genome.fa")
    places = np.sort(np.random.default_rng(1).choice(SPAN, VARIANTS, replace=False)) + FIRST
    present = genome.bases(CHROM, 0, LENGTH)
    edits = [
        Edit(CHROM, place, place + 1, b"ACGT"[b"ACGT".index(present[place]) - 1 :][:1]) for place in places.tolist()
    ]
    return load_model(folder / name, "cpu"), genome, edits


def results(changes: Iterator[float]) -> Numbers:
    return {str(number): change for number, change in enumerate(changes)}


def ours(folder: Path, name: str) -> Numbers:
    """Largest difference of a base of each variant, on either strand."""
    model, genome, edits = read(folder, name)
    alleles = Alleles([model], genome, tiles=TILES, precision=NUMBERS, batch_size=BATCH)
    return results(float(np.abs(pair.alternative - pair.reference).max()) for pair in alleles.pairs(edits))


def one_by_one(folder: Path, name: str) -> Numbers:
    return tracks(folder, name, 1)


def in_batches(folder: Path, name: str) -> Numbers:
    return tracks(folder, name, BATCH)


def tracks(folder: Path, name: str, batch_size: int) -> Numbers:
    model, genome, edits = read(folder, name)
    stretch = Alleles([model], genome, tiles=TILES, precision=NUMBERS, batch_size=BATCH).stretch

    def predicted(source: Genome, start: int, end: int) -> np.ndarray:
        parts = predict_region(
            [model], source, CHROM, start, end, tiles=TILES, precision=NUMBERS, batch_size=batch_size
        )
        return np.concatenate([values for _, values in parts], axis=1)

    return results(
        float(np.abs(predicted(EditedGenome(genome, [edit]), *stretch(edit)) - predicted(genome, *stretch(edit))).max())
        for edit in edits
    )


def windows(folder: Path, name: str) -> Numbers:
    model, genome, edits = read(folder, name)
    tiles = TilePredictor([model])

    def predicted(source: Genome, edit: Edit) -> np.ndarray:
        first = edit.start - SIZE // 2
        return tiles.predict(source.bases(CHROM, first, first + SIZE)[np.newaxis], 0)

    return results(
        float(np.abs(predicted(EditedGenome(genome, [edit]), edit) - predicted(genome, edit)).max()) for edit in edits
    )


WAYS = [
    Way("ours", ours),
    Way(ONE_BY_ONE, one_by_one),
    Way("windows of either allele, in batches", in_batches),
    Way("one window of either allele", windows),
]


def evaluate(bench: Bench, folder: Path) -> Result:
    table, targets = [], []
    for name in BACKBONES:
        measured = bench.measure(name)
        mine, theirs = (np.array([*measured[way].found.values()]) for way in ("ours", ONE_BY_ONE))
        if not np.allclose(mine, theirs, rtol=1e-3, atol=1e-6):
            sys.exit(
                f"{name}: effects differ from those of predicted tracks by up to {np.abs(mine - theirs).max():.1e}"
            )
        table += rows(9, f"200 SNVs within 20 tiles, {name}", measured)
        ratio = measured[ONE_BY_ONE].median / measured["ours"].median
        targets.append(Target(9, f"{name}: 5 times as fast as one by one", f"{ratio:.2f} times", ratio >= 5))
    return Result(table, targets, ["Largest change of a base per variant: ours and those of the windows are the same."])


if __name__ == "__main__":
    main(__file__, __doc__, WAYS, make_data, evaluate)
