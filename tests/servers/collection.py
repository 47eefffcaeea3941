"""What ENCODE and recount3 might hold for the cell types of a sheet, made up from their queries.

Each ENCODE cell type has two experiments that fit its query and two that differ from it in what only a search for
experiments can see: the life stage, and the run type. Each GTEx tissue has samples of its own.
"""

import string
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl

from rnatracks.samples.sample import CellType

from .encode import Analysis, Biosample, EncodeExperiment, EncodeFile, EncodeLibrary, Replicate
from .recount3 import GtexSample

STAGES = ("adult", "child", "embryonic", "newborn", "unknown")
RUN_TYPES = ("paired-ended", "single-ended")
STRANDED = ("plus strand signal of unique reads", "minus strand signal of unique reads")
UNSTRANDED = ("signal of unique reads",)

# Bytes of a bigWig, given the number of the cell type, that of the sample, and the output type.
Content = Callable[[int, int, str], bytes]


@dataclass(frozen=True)
class MadeUp:
    """What the servers hold, and the samples that a search should find, by cell type."""

    encode: EncodeLibrary
    gtex: list[GtexSample]
    expected: dict[str, list[str]]


def accession(prefix: str, number: int) -> str:
    """An accession of the portal's form.

    Examples
    --------
    >>> accession("ENCSR", 1002)
    'ENCSR002AAB'
    """
    rest, digits = divmod(number, 1000)
    letters = ""
    for _ in range(3):
        rest, place = divmod(rest, 26)
        letters = string.ascii_uppercase[place] + letters
    return f"{prefix}{digits:03}{letters}"


def made_up(cell_types: Sequence[CellType], content: Content, gtex_samples: int = 3) -> MadeUp:
    """Make the experiments and GTEx samples of the cell types, the latter with ids that count up."""
    experiments: list[EncodeExperiment] = []
    files: list[EncodeFile] = []
    gtex: list[GtexSample] = []
    expected: dict[str, list[str]] = {}
    for place, cell_type in enumerate(cell_types):
        if cell_type.gtex_tissue:
            made = _samples(place, cell_type.gtex_tissue, content, gtex_samples)
            gtex += made
            expected[cell_type.name] = [sample.external_id for sample in made]
            continue
        found = _experiments(place, parse_qsl(cell_type.encode_query or ""))
        experiments += found
        expected[cell_type.name] = [each.accession for each in found[:2]]
        asked = dict(parse_qsl(cell_type.encode_query or ""))["files.run_type"]
        other = next(run_type for run_type in RUN_TYPES if run_type != asked)
        for number, experiment in enumerate(found):
            first = (4 * place + number) * 3
            reads = {"run_type": other if number == 3 else asked}
            files.append(
                experiment.file(accession("ENCFF", first), file_format="fastq", output_type="reads", extra=reads)
            )
            kinds = STRANDED if cell_type.stranded else UNSTRANDED
            files += [
                experiment.file(
                    accession("ENCFF", first + 1 + strand),
                    content(place, number, kind),
                    output_type=kind,
                    mapped_read_length=101,
                )
                for strand, kind in enumerate(kinds)
            ]
    return MadeUp(EncodeLibrary(tuple(files), tuple(experiments)), gtex, expected)


def _experiments(place: int, query: Sequence[tuple[str, str]]) -> list[EncodeExperiment]:
    """Four experiments: two that fit, one of another life stage, and one that is to get another run type."""
    values = dict(query)
    asked = [value for key, value in query if key.endswith("life_stage")]
    other = next(stage for stage in STAGES if stage not in asked)
    biosample = Biosample(
        values["biosample_ontology.term_id"], f"biosample {place}", values["biosample_ontology.classification"]
    )
    made = []
    for number, stage in enumerate((asked[0], asked[-1], other, asked[0])):
        name = accession("", 4 * place + number)
        made.append(
            EncodeExperiment(
                accession=f"ENCSR{name}",
                assay_title=values["assay_title"],
                biosample=biosample,
                replicates=(Replicate(1, 1, name, life_stage=stage),),
                analyses=(Analysis(f"ENCAN{name}"),),
            )
        )
    return made


def _samples(place: int, tissue: str, content: Content, number: int) -> list[GtexSample]:
    project, _, detail = tissue.partition(":")
    return [
        GtexSample(
            external_id=f"GTEX-{1000 + 10 * place + each}-0001-SM-5GZZ7.1",
            tissue=project,
            organ=project,
            detail=detail,
            content=content(place, each, UNSTRANDED[0]),
        )
        for each in range(number)
    ]
