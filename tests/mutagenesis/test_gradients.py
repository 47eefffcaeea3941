"""First-order effects against finite differences: the input of the network at one base is moved a little."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from models import TINY, TOKEN_IDS, random_bases, small_model, write_fasta
from numpy.typing import NDArray
from transformers import AutoConfig

from rnatracks.errors import InputError
from rnatracks.genome.annotation import Annotation
from rnatracks.genome.loci import Region
from rnatracks.genome.sequence import COMPLEMENT, Genome
from rnatracks.genome.tables import EXON_COLUMNS
from rnatracks.genome.windows import tile_starts
from rnatracks.model.backbone import token_lookup
from rnatracks.model.layers import TrackNorm
from rnatracks.model.network import CoverageConfig, CoverageModel
from rnatracks.mutagenesis import gradients
from rnatracks.mutagenesis.gradients import gradient_effects
from rnatracks.mutagenesis.measured import Measured, measured_gene, measured_region
from rnatracks.prediction.predict import Precision, TilePlan, predict_region
from rnatracks.prediction.stitching import Stitch
from rnatracks.variants.alleles import Alleles

LENGTH, SIZE = 300, 96
PSEUDOCOUNT = 0.01
EXACT = Precision(bf16=False, digits=None)
MIXTRAL = TINY | {"is_causal": True, "initializer_range": 0.3}
CNN = {"type": "dilated_cnn"}
UNET = {"type": "unet", "widths": [6, 8, 10], "kernel_size": 3, "dilations": [1, 2]}
GENE = pd.Series({"gene_id": "G", "chrom": "chr1", "strand": "+", "start": 60, "end": 200})
EXONS = [(60, 110, "G"), (150, 200, "G"), (100, 120, "OTHER")]  # bases 100 to 110 are of two genes
PLACES = (0, 70, 95, 160, 299)  # at both ends, in one tile and two, in exons and out of them


def make_genome(folder: Path) -> Genome:
    """A chromosome with N at 120 to 130."""
    bases = random_bases(np.random.default_rng(3), LENGTH)
    return Genome(write_fasta(folder / "genome.fa", {"chr1": bases[:120] + "N" * 10 + bases[130:]}))


def make_annotation() -> Annotation:
    exons = pd.DataFrame([("chr1", *place, "+") for place in EXONS], columns=list(EXON_COLUMNS))
    return Annotation(GENE.to_frame().T, exons, exons)


def make_model(backbone: dict, strands: str = "heads") -> CoverageModel:
    """With norms that enlarge what they get, because an untrained U-Net hardly depends on its input."""
    model = small_model(backbone=backbone, window_size=SIZE, strands=strands)
    for norm in model.backbone.modules():
        if isinstance(norm, TrackNorm):
            norm.running_var.uniform_(0.05, 0.1)
    return model


def make_alleles(model: CoverageModel, genome: Genome, tiles: TilePlan) -> Alleles:
    return Alleles([model], genome, tiles=tiles, precision=EXACT, batch_size=4)


@contextmanager
def moved(model: CoverageModel, genome: Genome, place: int, step: NDArray[np.float64]) -> Iterator[None]:
    """Add `step`, shares of A, C, G and T, to the input at a base, in every tile that has it, on both strands."""
    lookup, found = token_lookup(model.config.token_ids), {}
    for start in tile_starts(LENGTH, SIZE, SIZE // 2):
        bases = genome.bases("chr1", start, start + SIZE)
        if start <= place < start + SIZE:
            found[lookup[bases].tobytes()] = (place - start, step)
            found[lookup[COMPLEMENT[bases[::-1]]].tobytes()] = (SIZE - 1 - place + start, step[::-1])

    def move(tokens: torch.Tensor, values: torch.Tensor, table: torch.Tensor) -> torch.Tensor:
        values = values.clone()
        for row, sequence in enumerate(tokens.numpy()):
            if sequence.tobytes() in found:
                at, change = found[sequence.tobytes()]
                values[row, at] += torch.tensor(change.copy(), dtype=torch.float32) @ table
        return values

    def move_one_hot(_: object, arguments: tuple[torch.Tensor]) -> tuple[torch.Tensor]:
        tokens = torch.where(arguments[0].sum(-1) > 0, arguments[0].argmax(-1), TOKEN_IDS["N"])
        return (move(tokens, arguments[0], torch.eye(4)),)

    if hasattr(model.backbone, "stem"):
        stem = getattr(model.backbone.stem, "convolution", model.backbone.stem)
        hook = stem.register_forward_pre_hook(move_one_hot)
    else:
        table = model.backbone.embed_tokens.weight.detach()[:4]
        hook = model.backbone.embed_tokens.register_forward_hook(lambda _, given, out: move(given[0], out, table))
    with hook:
        yield


def differences(
    model: CoverageModel, genome: Genome, tiles: TilePlan, bases: NDArray[np.int64], place: int
) -> NDArray[np.float64]:
    """Central differences of log2(mean over `bases` + c) for A, C, G and T at a place, `[4, track]`."""
    (present,) = genome.bases("chr1", place, place + 1)
    step = 0.003
    found = np.zeros((4, len(model.config.tracks)))
    for row, base in enumerate(b"ACGT"):
        if base == present:
            continue
        direction = np.array([float(each == base) - float(each == present) for each in b"ACGT"])
        sides = []
        for sign in (1, -1):
            with moved(model, genome, place, sign * step * direction):
                parts = predict_region([model], genome, "chr1", 0, LENGTH, tiles=tiles, precision=EXACT, batch_size=4)
                coverage = np.concatenate([values for _, values in parts], axis=1)
            sides.append(np.log2(coverage[:, bases].mean(axis=1, dtype=float) + PSEUDOCOUNT))
        found[row] = (sides[0] - sides[1]) / (2 * step)
    return found


CASES = {
    "mixtral": (MIXTRAL, "heads", False, Stitch.BLEND),
    "mixtral, both strands of tiles": (MIXTRAL, "heads", True, Stitch.BLEND),
    "mixtral, both strands": (MIXTRAL, "reverse_complement", False, Stitch.CONTEXT),
    "cnn": (CNN, "heads", False, Stitch.MEAN_RAW),
    "cnn, both strands of tiles": (CNN, "heads", True, Stitch.MEAN),
    "cnn, both strands": (CNN, "reverse_complement", True, Stitch.BLEND),
    "unet": (UNET, "heads", False, Stitch.CENTER),
    "unet, both strands of tiles": (UNET, "heads", True, Stitch.MEAN_RAW),
}


@pytest.mark.parametrize("case", CASES)
def test_gradients_equal_finite_differences(tmp_path: Path, case: str) -> None:
    backbone, strands, both, stitch = CASES[case]
    genome, tiles = make_genome(tmp_path), TilePlan(size=SIZE, overlap=48, stitch=stitch, reverse_complement=both)
    model = make_model(backbone, strands)
    measured = measured_gene(GENE, make_annotation(), model.config.tracks)
    found = gradient_effects(make_alleles(model, genome, tiles), Region("chr1", 0, LENGTH), measured, PSEUDOCOUNT)
    assert (found.shape, found.dtype) == ((LENGTH, 4, 1), np.float32), "only the plus strand holds its reads"
    counted = np.r_[60:100, 150:200]
    expected = np.stack([differences(model, genome, tiles, counted, place)[:, :1] for place in PLACES])
    assert np.abs(expected).max() > 0.0005
    np.testing.assert_allclose(found[list(PLACES)], expected, rtol=0.02, atol=0.005 * np.abs(expected).max())
    present = genome.bases("chr1", 0, LENGTH)
    for row, base in enumerate(b"ACGT"):
        assert (found[present == base, row] == 0).all()
    assert np.isnan(found[120:130]).all() and np.isfinite(np.delete(found, np.s_[120:130], axis=0)).all()


@pytest.fixture
def on_region(tmp_path: Path) -> tuple[Alleles, Region, Measured]:
    """A causal language model and a region across the gap, whose own coverage is measured."""
    tiles = TilePlan(size=SIZE, overlap=48, stitch=Stitch.MEAN_RAW)
    model = make_model(MIXTRAL)
    region = Region("chr1", 100, 180)
    return make_alleles(model, make_genome(tmp_path), tiles), region, measured_region(region, model.config.tracks)


def test_coverage_of_a_region_is_of_its_known_and_unknown_bases(on_region: tuple[Alleles, Region, Measured]) -> None:
    """N counts as 0 coverage in the mean, and no gradient passes through it."""
    alleles, region, measured = on_region
    found = gradient_effects(alleles, region, measured, PSEUDOCOUNT)
    assert found.shape == (80, 4, 2)
    expected = differences(alleles.model, alleles.genome, alleles.tiles, np.arange(100, 180), 135)
    np.testing.assert_allclose(found[35], expected, rtol=0.02, atol=0.005 * np.abs(expected).max())


def test_recomputed_activations_change_nothing(
    on_region: tuple[Alleles, Region, Measured], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a GPU; the model is left as it was."""
    expected, original = gradient_effects(*on_region, PSEUDOCOUNT), gradients._frozen
    monkeypatch.setattr(gradients, "_frozen", lambda model, *, recompute: original(model, recompute=True))
    np.testing.assert_allclose(gradient_effects(*on_region, PSEUDOCOUNT), expected, rtol=1e-5, atol=1e-7)
    model = on_region[0].model
    assert not any(module.training for module in model.modules())
    assert all(weight.requires_grad and weight.grad is None for weight in model.parameters())
    assert not model.is_activation_checkpointing


def test_a_network_without_embedding_is_refused(on_region: tuple[Alleles, Region, Measured]) -> None:
    alleles, region, measured = on_region
    alleles.model.backbone.get_input_embeddings = lambda: torch.nn.Linear(2, 2)
    with pytest.raises(InputError, match="found a mixtral without one; expected an embedding of tokens, or --method"):
        gradient_effects(alleles, region, measured, PSEUDOCOUNT)


def test_a_network_with_transposed_input_is_refused(tmp_path: Path) -> None:
    """XLNet embeds the sequences as columns."""
    shape = {"vocab_size": 6, "d_model": 16, "n_layer": 1, "n_head": 2, "d_inner": 16, "is_causal": False}
    settings = {"tracks": ["B.plus"], "track_means": [1.0], "token_ids": TOKEN_IDS, "window_size": SIZE}
    model = CoverageModel(CoverageConfig(AutoConfig.for_model("xlnet", **shape), **settings)).eval()
    alleles = make_alleles(model, make_genome(tmp_path), TilePlan(size=SIZE, overlap=48, stitch=Stitch.BLEND))
    region = Region("chr1", 60, 62)
    with pytest.raises(InputError, match=r"found inputs of shape \[\(96, 1\)\] for 1 sequences of 96 bases; expected"):
        gradient_effects(alleles, region, measured_region(region, ["B.plus"]), PSEUDOCOUNT)
