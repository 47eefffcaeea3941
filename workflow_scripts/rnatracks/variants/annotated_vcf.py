"""The VCF of a user with the strongest effect of each allele in INFO."""

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pysam

from ..files import atomic_write
from ..vcf.lines import VcfRecord, vcf_lines
from .effect_table import read_effects

MAX_TBI = 1 << 29  # bases; a tabix index of a longer chromosome must be a .csi
_INFO = 7  # its column
_PREFIX = "RT_"
_RATIO = "log2((ALT + c) / (REF + c)) with the pseudocount c = {pseudocount:g}, in units of normalised coverage"
_RATIO += ", less the part that comes from a shift of the model's windows"
# Column of the table, type, and description of each key.
_FIELDS = {
    "gene_id": ("String", "Gene with the strongest predicted effect on any track of the model {model}"),
    "gene_name": ("String", "Name of this gene"),
    "consequence": ("String", "Where the variant lies relative to this gene"),
    "track": ("String", "Track of this effect: cell type and strand"),
    "log2_ratio": ("Float", f"Effect on the gene's mean exonic coverage: {_RATIO}"),
    "percentile": ("Float", "Percentage of matched random changes with a smaller absolute effect on this track"),
    "reach": ("Float", "Share of the gene's exonic bases in windows that hold the variant"),
    "gene_score": ("Float", "Held-out score of the model on this track: Pearson r of log(1 + expression) of genes"),
    "largest_base_log2_ratio": ("Float", f"Largest change of a single base on this track: {_RATIO}"),
}
KEY_OF = {column: _PREFIX + column.removesuffix("_id").upper() for column in _FIELDS}


class _Allele(NamedTuple):
    """An allele as the file writes it."""

    chrom: str
    pos: int
    ref_allele: str
    alt_allele: str


class _Effect(NamedTuple):
    """How strong an effect is (effects on genes before those on bases only), and its values in a VCF."""

    strength: tuple[bool, float]
    values: tuple[str, ...]


class _Layout(NamedTuple):
    """What must be known of a file before it is copied."""

    ranks: dict[str, int]  # of chromosomes, by their first records
    declared: set[str]  # chromosomes in the header
    is_sorted: bool


def write_vcf(
    source: Path, table: Path, target: Path, *, lengths: Mapping[str, int], model: str, pseudocount: float
) -> Path:
    """Copy a VCF file, bgzipped, with the strongest effect of each allele in INFO, and index it.

    The strongest effect is the one of largest |log2_ratio| over all genes and tracks; without a gene in reach, the one
    of largest |largest_base_log2_ratio|. Keys have one value per ALT allele, `.` where it has none. Header and records
    are those of the source in its order; if that is not sorted, records are sorted by position, chromosomes by their
    first record. Values of these keys in the source are replaced, missing contig lines added.

    Parameters
    ----------
    source
        A VCF file that `vcf.check_variants` accepts. Only an unsorted one is held in memory.
    table
        The table of its effects.
    target
        A `.vcf.gz` file.
    lengths
        Lengths of the chromosomes.
    model, pseudocount
        Name of the model, and the c of the log ratios, for the header.

    Returns
    -------
    The index, `.tbi`, or `.csi` if the genome has a chromosome too long for it.
    """
    effects = _strongest(table)
    layout = _layout(source)
    csi = max(lengths.values()) > MAX_TBI
    index = target.with_name(f"{target.name}.{'csi' if csi else 'tbi'}")
    # The index of the partial file gets the name that atomic_write gives to the partial index.
    with atomic_write(index), atomic_write(target) as partial:
        with pysam.BGZFile(str(partial), "wb") as stream:
            for line in _lines(source, layout, effects, _header(layout, lengths, model, pseudocount)):
                stream.write(f"{line}\n".encode())
        verbosity = pysam.set_verbosity(0)  # it warns of positions 0, which are allowed; errors are raised
        try:
            pysam.tabix_index(str(partial), preset="vcf", force=True, csi=csi)
        finally:
            pysam.set_verbosity(verbosity)
    return index


def _strongest(table: Path) -> dict[_Allele, _Effect]:
    """The strongest effect of each allele; of equal ones, the first."""
    best: dict[_Allele, _Effect] = {}
    for part in read_effects(table, [*_Allele._fields, *_FIELDS]):
        ratios = part["log2_ratio"].abs().to_numpy()
        on_gene = ~np.isnan(ratios)
        sizes = np.where(on_gene, ratios, part["largest_base_log2_ratio"].abs().fillna(-1))
        order = np.lexsort([np.arange(len(part)), -sizes, ~on_gene])
        strongest = part.assign(on_gene=on_gene, size=sizes).iloc[order].drop_duplicates(list(_Allele._fields))
        strengths = zip(strongest["on_gene"].tolist(), strongest["size"].tolist(), strict=True)
        alleles = strongest[list(_Allele._fields)].itertuples(index=False, name=None)
        rows = strongest[list(_FIELDS)].itertuples(index=False, name=None)
        for allele, strength, row in zip(map(_Allele._make, alleles), strengths, rows, strict=True):
            if allele not in best or strength > best[allele].strength:
                best[allele] = _Effect(strength, tuple(map(_value, row)))
    return best


def _value(cell: str | float) -> str:
    """A value in INFO: `.` if missing, and other characters for those that end a value, as in VCF 4.3."""
    if isinstance(cell, str):
        return re.sub(r"[%;=,\s]", lambda match: f"%{ord(match[0]):02X}", cell) or "."
    return "." if np.isnan(cell) else f"{cell:.6g}"


def _layout(source: Path) -> _Layout:
    ranks: dict[str, int] = {}
    declared: set[str] = set()
    is_sorted, last = True, (0, 0)
    for number, fields in vcf_lines(source):
        if len(fields) == 1:
            declared.update(re.findall(r"^##contig=<(?:.*,)?ID=([^,>]+)", fields[0]))
            continue
        record = VcfRecord.of(source, number, fields)
        place = (ranks.setdefault(record.chrom, len(ranks)), record.pos)
        is_sorted &= last <= place
        last = place
    return _Layout(ranks, declared, is_sorted)


def _header(layout: _Layout, lengths: Mapping[str, int], model: str, pseudocount: float) -> list[str]:
    """Lines to add to the header."""
    lines = []
    for chrom in layout.ranks:
        if chrom not in layout.declared:
            length = f",length={lengths[chrom]}" if chrom in lengths else ""
            lines.append(f"##contig=<ID={chrom}{length}>")
    for column, (kind, words) in _FIELDS.items():
        description = re.sub(r'(["\\])', r"\\\1", words.format(model=model, pseudocount=pseudocount))
        lines.append(f'##INFO=<ID={KEY_OF[column]},Number=A,Type={kind},Description="{description}">')
    return lines


def _lines(source: Path, layout: _Layout, effects: Mapping[_Allele, _Effect], header: Iterable[str]) -> Iterator[str]:
    """Lines of the annotated file."""
    unsorted = []
    for number, fields in vcf_lines(source):
        if len(fields) == 1:
            if not fields[0].startswith("##"):
                yield from header
            if not re.match(rf"##INFO=<ID=({'|'.join(KEY_OF.values())}),", fields[0]):
                yield fields[0]
            continue
        record = VcfRecord.of(source, number, fields)
        fields[_INFO] = _annotated(
            fields[_INFO], [effects.get(_Allele(*record[1:3], record.ref, alt)) for alt in record.alts]
        )
        if layout.is_sorted:
            yield "\t".join(fields)
        else:
            unsorted.append((layout.ranks[record.chrom], record.pos, "\t".join(fields)))
    yield from (line for _, _, line in sorted(unsorted, key=lambda row: row[:2]))


def _annotated(info: str, effects: list[_Effect | None]) -> str:
    """INFO with the effects of the record's alternative alleles."""
    kept = [entry for entry in info.split(";") if entry not in ("", ".") and entry.split("=")[0] not in KEY_OF.values()]
    columns = zip(*(effect.values if effect else ("." for _ in _FIELDS) for effect in effects), strict=True)
    for key, values in zip(KEY_OF.values(), columns, strict=True):
        if any(value != "." for value in values):
            kept.append(f"{key}={','.join(values)}")
    return ";".join(kept) or "."
