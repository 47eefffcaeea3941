"""The section on sequence changes: the strongest effects, their sizes, both alleles at loci, and planted truth."""

from collections.abc import Sequence
from itertools import islice, product
from pathlib import Path

import pandas as pd

from ..evaluation.tables import read_scores
from ..variants.effect_summary import RANDOM, SCORED, SKIPPED, VARIANT_KEYS, WITHOUT_GENE, read_summary
from ..variants.top_variants import MAX_TOP, read_top, variant_name
from .page import SequenceChanges
from .pictures import MAX_PICTURES
from .run_files import Reported, ReportFiles
from .tables import Table, table
from .warnings import PageSection, ReportWarning, WarningText

MAX_REASONS = 6  # per set of variants
SET_NOTES = {
    "variants": "Name of the set in the configuration.",
    "scored": "Number of different variants that were scored.",
    "without_gene": "Of these, variants without exonic bases of a gene in the windows that hold them.",
    "random_changes": "Matched random changes; 0 if variants.background is not set.",
    "skipped": "Number of alleles skipped; variants/{NAME}.skipped.tsv lists them.",
    "reasons": "Why they were skipped.",
}
EFFECT_NOTES = {
    "model": "Folder of the model under models/.",
    "variants": "Name of the set of variants in the configuration.",
    "variant": "Place (1-based), reference and alternative allele, and id in the VCF.",
    "gene_name": "The gene whose predicted expression changes most.",
    "gene_id": "Its id.",
    "track": "Cell type and strand.",
    "log2_ratio": "log2((alt + c) / (ref + c)), with c = genes.pseudocount, minus shift_log2_ratio.",
    "shift_log2_ratio": "Part of that ratio that comes from the shift of the windows by an insertion or deletion.",
    "gene_score": "The model's held-out score across genes for this track (pearson_log1p of split test).",
    "percentile": "Share of the matched random changes with a smaller effect on this track, in percent.",
    "consequence": "Where the variant lies relative to this gene.",
    "tss_distance": "Bases from the gene's transcription start site, negative upstream.",
    "reach": "Share of the gene's exonic bases in windows that hold the variant; the others cannot change.",
    "ref": "Mean predicted coverage of the gene's exonic bases on the reference allele, in normalised units.",
    "alt": "The same on the alternative allele.",
    "largest_base_log2_ratio": "Largest log2 ratio of a single base of this track.",
    "largest_base_position": "Its position (1-based, on the reference).",
}
PLANTED_NOTES = {
    "model": EFFECT_NOTES["model"],
    "cell_type": "Cell type of the track.",
    "strand": "Strand of the track.",
    "kind": "Kind of change; all is their union.",
    "effects": "Number of effects of a change on a gene.",
    "changed": "Of these, effects that are not planted as 0.",
    "sign_accuracy": "Share of the latter whose predicted sign is right.",
    "slope": "Slope of predicted on planted log2 ratios; ideally 1. Below 1, predicted effects are too small.",
    "pearson": "Pearson correlation of predicted and planted log2 ratios.",
    "spearman": "Their rank correlation.",
    "auroc": "Area under the ROC curve, for changes with an effect against all without, ranked by the size of the "
    "predicted effect; 0.5 by chance.",
}
_MINOR_EFFECTS = ("gene_id", "tss_distance", "shift_log2_ratio", "largest_base_log2_ratio", "largest_base_position")


def changes_section(files: ReportFiles, run: Reported) -> SequenceChanges:
    """The section, from the tables and figures of a run with variants."""
    pairs = list(product(run.models, run.variants))
    titles = [_title(run, model, name) for model, name in pairs]
    counts = files.variant_counts[: len(run.variants)]  # the same for each model
    planted = read_scores(files.planted[0]) if files.planted else None
    return SequenceChanges(
        window=run.settings.windows.size,
        scored=bool(run.settings.split.test),
        sets=table(pd.DataFrame(map(set_row, run.variants, map(read_summary, counts))), SET_NOTES),
        strongest=effects_table(
            [
                read_summary(path).assign(model=model, variants=name)
                for (model, name), path in islice(zip(pairs, files.variant_strongest, strict=True), MAX_PICTURES)
            ]
        ),
        left_out=max(len(pairs) - MAX_PICTURES, 0),
        distributions=run.figures("variant_effects", files.variant_distributions, titles),
        loci=run.figures("variant_locus", *_loci(files, run)),
        planted=None if planted is None else table(planted, PLANTED_NOTES),
        planted_figures=run.figures(
            "planted_scatter", files.planted_figures, list(run.models) if files.planted else []
        ),
    )


def set_row(name: str, counts: pd.DataFrame) -> dict[str, object]:
    """Row of the table of sets, from `variants/{model}/{NAME}.counts.tsv`."""
    number = dict(zip(counts["what"], counts["number"], strict=True))
    reasons = {what.removeprefix(SKIPPED): number[what] for what in number if what.startswith(SKIPPED)}
    listed = [f"{reason}: {count:,}" for reason, count in list(reasons.items())[:MAX_REASONS]]
    return {
        "variants": name,
        "scored": number[SCORED],
        "without_gene": number[WITHOUT_GENE],
        "random_changes": number[RANDOM],
        "skipped": sum(reasons.values()),
        "reasons": "; ".join(listed) + (f"; {len(reasons) - MAX_REASONS} more" if len(reasons) > MAX_REASONS else ""),
    }


def effects_table(strongest: Sequence[pd.DataFrame]) -> Table:
    """The strongest variants of each model and set, each with its strongest effect."""
    effects = pd.concat([each for each in strongest if not each.empty] or strongest[:1], ignore_index=True)
    names = [variant_name(*key) for key in effects[[*VARIANT_KEYS, "id"]].itertuples(index=False, name=None)]
    effects = effects.assign(variant=names).astype({"tss_distance": float, "largest_base_position": float})
    return table(effects, EFFECT_NOTES, {"percentile": 1}, minor=_MINOR_EFFECTS)


def effect_warnings(configured: bool, test: Sequence[str]) -> list[ReportWarning]:
    """That effects have no gene score next to them, because nothing was held out."""
    if not configured or test:
        return []
    text = (
        "Effects of sequence changes have no gene score next to them, because no chromosome was held out. Nothing here "
        "shows how well these models predict the expression of genes that they were not trained on, so nothing shows "
        "how far to trust an effect. Set split.test."
    )
    short = "effects have no gene score next to them, because nothing was held out."
    return [ReportWarning(short, PageSection.VARIANTS, (WarningText(text),))]


def _title(run: Reported, model: str, name: str) -> str:
    return f"{model}, {name}" if len(run.variants) > 1 else model


def _loci(files: ReportFiles, run: Reported) -> tuple[list[Path], list[str]]:
    """Figures of the strongest variants with their titles: the strongest of each model, then the second, and so on."""
    tops = [read_top(path, model) for model, path in zip(run.models, files.variant_tops, strict=True)]
    found = []
    for rank, (model, top) in product(range(MAX_TOP), enumerate(tops)):
        if rank < len(top):
            found.append((files.variant_loci[model * MAX_TOP + rank], top[rank]))
    titles = [
        f"{each.model}: {each.name}, {each.gene_name} in {each.track.cell_type} ({each.track.strand}), "
        f"log2 ratio {each.log2_ratio:+.2f}"
        for _, each in found
    ]
    return [path for path, _ in found], titles
