"""Made-up effects of variants, and the section of the report page from them."""

from pathlib import Path

import numpy as np
import pandas as pd

from rnatracks.figures.colours import SignalKind
from rnatracks.figures.locus import Panel
from rnatracks.figures.style import svg_text
from rnatracks.figures.variant_effects import effect_distribution, shown_region, variant_figure
from rnatracks.genome.loci import Region
from rnatracks.report.page import SequenceChanges
from rnatracks.report.pictures import Gallery, Picture
from rnatracks.report.tables import table
from rnatracks.report.variants import PLANTED_NOTES, SET_NOTES, effects_table, set_row
from rnatracks.variants.effect_summary import count_table, strongest_of, summarise_effects, write_summary
from rnatracks.variants.top_variants import TopVariant, edit_of, variant_name
from rnatracks.vocabulary import Strand, Track

CONSEQUENCES = ("exon", "splice_region", "intron", "promoter", "upstream", "downstream")
GENES = pd.DataFrame(
    [("G1", "PLEKHG2", "chr19", "+", 20_000, 31_000), ("G2", "RPS16", "chr19", "-", 40_000, 43_500)],
    columns=["gene_id", "gene_name", "chrom", "strand", "start", "end"],
)
EXONS = pd.DataFrame(
    [
        (gene.gene_id, "chr19", left, left + 300, gene.strand)
        for gene in GENES.itertuples()
        for left in range(gene.start, gene.end - 299, 1_600)
    ],
    columns=["gene_id", "chrom", "start", "end", "strand"],
)


def effects(seed: int, number: int = 600, scale: float = 0.02, held_out: bool = True) -> pd.DataFrame:
    """A table of effects, one row per variant, gene and track; some variants have no gene, and some effects are 0."""
    rng = np.random.default_rng(seed)
    rows = []
    for index in range(number):
        ref, alt = ("A", "G") if rng.random() < 0.8 else ("CAAAG" * 8, "C") if rng.random() < 0.5 else ("T", "TGGAC")
        variant = ("chr19", 20_001 + 40 * index, f"rs{index}" if index % 3 else ".", ref, alt)
        gene = GENES.iloc[int(rng.integers(2))]
        for cell_type in ("amber", "indigo"):
            strand = Strand.PLUS if gene["strand"] == "+" else Strand.MINUS
            if index % 50 == 0:
                rows.append((*variant, "", "", "", None, "intergenic", f"{cell_type}.{strand}", *(np.nan,) * 4))
                continue
            ratio = 0.0 if index % 10 == 1 else rng.normal(0, scale) * rng.lognormal(0, 1.5)
            before, reach = rng.lognormal(0, 2), rng.uniform(0.1, 1)
            place = (gene["gene_id"], gene["gene_name"], gene["strand"], int(rng.integers(-900, 9_000)))
            named = (*variant, *place, rng.choice(CONSEQUENCES), f"{cell_type}.{strand}")
            rows.append((*named, reach, before, before * 2**ratio, ratio))
    names = ["chrom", "pos", "id", "ref_allele", "alt_allele", "gene_id", "gene_name", "strand", "tss_distance"]
    made = pd.DataFrame(rows, columns=[*names, "consequence", "track", "reach", "ref", "alt", "log2_ratio"])
    base = made["log2_ratio"].fillna(0) * 2
    return made.assign(
        tss_distance=made["tss_distance"].astype("Int64"),
        shift_log2_ratio=0.0,
        largest_base_log2_ratio=base,
        largest_base_position=made["pos"] + 3,
        gene_score=np.where(made["track"].str.startswith("amber"), 0.8213, 0.4177) if held_out else np.nan,
        percentile=(made["log2_ratio"].abs().rank(pct=True) * 100),
    )


def top_variant(row, model: str, rank: int = 1) -> TopVariant:
    """A row of `effects` as one of the strongest variants of a model."""
    key = (row.chrom, row.pos, row.ref_allele, row.alt_allele)
    return TopVariant(
        model=model,
        rank=rank,
        variants="eqtl",
        name=variant_name(*key, row.id),
        edit=edit_of(*key),
        region=Region("chr19", max(row.pos - 20_000, 0), row.pos + 24_000),
        gene_id=row.gene_id,
        gene_name=row.gene_name,
        track=Track.parse(row.track),
        reference=row.ref,
        alternative=row.alt,
        log2_ratio=row.log2_ratio,
        gene_score=row.gene_score,
        shown_tracks=(Track("amber", Strand.PLUS), Track("amber", Strand.MINUS)),
    )


def locus_picture(variant: TopVariant, seed: int = 3) -> Picture:
    """Both alleles of a variant on two tracks."""
    rng, region = np.random.default_rng(seed), shown_region(variant, GENES)
    panels = []
    for track in variant.shown_tracks:
        values = np.full(region.end - region.start, 0.02)
        for exon in EXONS[EXONS["strand"] == track.strand.symbol].itertuples():
            values[max(exon.start - region.start, 0) : max(exon.end - region.start, 0)] = 4
        values *= rng.lognormal(0, 0.3, len(values) // 25 + 1).repeat(25)[: len(values)]
        bases = np.arange(region.start, region.end)
        alternative = values * (
            1 + 0.9 * np.sign(variant.log2_ratio) * np.exp(-np.abs(bases - variant.edit.start) / 4e3)
        )
        alternative[(bases >= variant.edit.start + len(variant.edit.replacement)) & (bases < variant.edit.end)] = np.nan
        label = f"{track.cell_type} {track.strand}"
        panels.append(Panel(label, SignalKind.PREDICTED, track.strand, values, track.cell_type, alternative))
    figure = variant_figure(variant, region, GENES, EXONS, panels)
    return Picture(f"{variant.model}: {variant.name}, {variant.gene_name}", svg_text(figure))


def changes(folder: Path, models: list[str], captions: Path, held_out: bool = True) -> SequenceChanges:
    """The section of a run with two sets of variants, one with matched random changes."""
    tables = {model: effects(seed, held_out=held_out) for seed, model in enumerate(models[:3])}
    write_summary(next(iter(tables.values())), folder / "effects.tsv")
    write_summary(effects(99, 2_000, scale=0.004), folder / "random.tsv")
    variants, random = (summarise_effects(folder / f"{name}.tsv") for name in ("effects", "random"))
    reasons = {"not on a chosen chromosome": 1_204, "symbolic allele": 17, "ALT is *": 3}
    sets = [
        set_row("eqtl", count_table(variants, random.variants, reasons)),
        set_row("clinvar_promoters", count_table(variants, 0, {})),
    ]

    def text(name: str) -> str:
        return (captions / f"{name}.rst").read_text(encoding="utf-8")

    figures = [
        Picture(f"{model}, {name}", svg_text(effect_distribution(variants.counts, both, f"{model}: {name}")))
        for model in tables
        for name, both in (("eqtl", random.counts), ("clinvar_promoters", {}))
    ]
    top = strongest_of(tables[models[0]], 2)
    planted = pd.DataFrame({"model": models[:2]} | dict.fromkeys(list(PLANTED_NOTES)[1:], 0.81))
    return SequenceChanges(
        window=32_000,
        scored=held_out,
        sets=table(pd.DataFrame(sets), SET_NOTES),
        strongest=effects_table(
            [strongest_of(each, 20).assign(model=model, variants="eqtl") for model, each in tables.items()]
        ),
        left_out=4,
        distributions=Gallery(text("variant_effects"), figures),
        loci=Gallery(text("variant_locus"), [locus_picture(top_variant(row, models[0])) for row in top.itertuples()]),
        planted=table(planted, PLANTED_NOTES),
        planted_figures=Gallery(text("planted_scatter"), []),
    )
