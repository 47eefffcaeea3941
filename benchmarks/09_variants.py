"""Both alleles of 200 SNVs within 20 tiles, on one core, with the demo's language model and a U-Net of random weights.

Ours predicts the two changed tiles of each variant in batches of 16, and the reference once. It is compared with:

- the windows of either allele one by one: for each variant, all tiles from which its stretch is stitched (4 of either
  allele), as the prediction of tracks does with a batch size of 1; the values are the same;
- the same in batches: up to 4 tiles at once;
- one window around the variant for either allele, as scripts for other models do. These are 2 windows in place of 8,
  and other values, because a second tile that holds the variant is not asked.

The second case writes the whole table for 1,000 and 10,000 rows of a VCF, for its peak memory.

    python benchmarks/09_variants.py [--folder FOLDER] [--json FILE]
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from harness import Bench, Numbers, Result, Target, Way, demo_backbone, main, rows

from rnatracks.genome.annotation import read_gtf
from rnatracks.genome.sequence import Genome, open_genome
from rnatracks.model.backbone import load_backbone, token_ids
from rnatracks.model.folder import load_model, save_model
from rnatracks.model.network import CoverageConfig, CoverageModel
from rnatracks.prediction.predict import Precision, TilePlan, predict_region
from rnatracks.prediction.stitching import Stitch
from rnatracks.prediction.tiles import TilePredictor
from rnatracks.variants.alleles import Alleles
from rnatracks.variants.edits import Edit, EditedGenome
from rnatracks.variants.effect_rows import EffectRows
from rnatracks.variants.score import score_variants

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


def table(folder: Path, name: str, number: str) -> Numbers:
    """The table of effects of random SNVs on 60 genes."""
    model, genome, _ = read(folder, name)
    present, rng = genome.bases(CHROM, 0, LENGTH), np.random.default_rng(2)
    lines = ["##fileformat=VCFv4.2", "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO"]
    for place in rng.integers(0, LENGTH, int(number)).tolist():
        base = "ACGT".index(chr(present[place]))
        lines.append(f"{CHROM}\t{place + 1}\t.\t{'ACGT'[base]}\t{'ACGT'[base - int(rng.integers(1, 4))]}\t.\t.\t.")
    (folder / f"{number}.vcf").write_text("\n".join([*lines, ""]))
    exons = [f'{CHROM}\t.\texon\t{at + 1}\t{at + 500}\t.\t+\t.\tgene_id "{at}";' for at in range(0, LENGTH, 1000)]
    (folder / "genes.gtf").write_text("\n".join([*exons, ""]))
    annotation = read_gtf(folder / "genes.gtf", genome.lengths)
    alleles = Alleles([model], genome, tiles=TILES, precision=NUMBERS, batch_size=BATCH)
    effects = EffectRows(alleles, annotation, annotation.genes, "leave_out", 0.01)
    options = {"chromosomes": [CHROM], "gene_scores": {}, "background": None, "recipe": number}
    score_variants(folder / f"{number}.vcf", folder / f"{number}.tsv.gz", effects, **options)
    return {"tiles": alleles.predicted}


WAYS = [
    Way("ours", ours),
    Way(ONE_BY_ONE, one_by_one),
    Way("windows of either allele, in batches", in_batches),
    Way("one window of either allele", windows),
    Way("table", table, repeats=1),
]


def evaluate(bench: Bench, folder: Path) -> Result:
    table, targets = [], []
    for name in BACKBONES:
        measured = bench.measure(name, only=[way.name for way in WAYS[:-1]])
        mine, theirs = (np.array([*measured[way].found.values()]) for way in ("ours", ONE_BY_ONE))
        if not np.allclose(mine, theirs, rtol=1e-3, atol=1e-6):
            sys.exit(
                f"{name}: effects differ from those of predicted tracks by up to {np.abs(mine - theirs).max():.1e}"
            )
        table += rows(9, f"200 SNVs within 20 tiles, {name}", measured)
        ratio = measured[ONE_BY_ONE].median / measured["ours"].median
        targets.append(Target(9, f"{name}: 5 times as fast as one by one", f"{ratio:.2f} times", ratio >= 5))
    few, many = (bench.measure("U-Net", number, only=["table"])["table"] for number in ("1000", "10000"))
    for number, measured in (("1,000", few), ("10,000", many)):
        table += rows(9, f"table of {number} SNVs, U-Net", {"ours": measured})
    growth = many.gigabytes / few.gigabytes
    targets.append(
        Target(9, "10,000 SNVs need at most 1.1 times the memory of 1,000", f"{growth:.2f} times", growth <= 1.1)
    )
    return Result(table, targets, ["Largest change of a base per variant: ours and those of the windows are the same."])


if __name__ == "__main__":
    main(__file__, __doc__, WAYS, make_data, evaluate)
