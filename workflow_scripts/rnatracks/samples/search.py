"""Samples of a cell type: those listed in the sheet, and those that its queries find."""

import logging
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import date

from ..config.data import SourceSettings
from ..downloads.retry import Patience
from ..downloads.web import Web
from ..vocabulary import Source
from .encode_samples import EncodeDesk
from .gtex_samples import GtexDesk
from .sample import PUBLISHED_SAMPLES, CellType, Rejected, Sample
from .sample_files import check_distinct
from .search_terms import LISTED, Resolution

log = logging.getLogger(__name__)


def resolve(
    cell_type: CellType,
    listed: Sequence[Sample],
    sources: SourceSettings,
    today: date,
    excluded: Collection[str] = (),
    patience: Patience | None = None,
) -> Resolution:
    """Find the files of a cell type's samples.

    Rows with paths or URLs, and excluded ones, are kept as they are. Rows with ENCODE or GTEx ids are looked up, one
    by one. A query of the cell type is run if the sheet has no row of that source for the cell type.

    Parameters
    ----------
    cell_type
        The cell type, with its queries.
    listed
        The sample sheet; rows of other cell types serve only to avoid using their names twice.
    sources
        The servers to search, and the largest number of samples that a search may give.
    today
        Date of the search, which is noted for each sample that is looked up.
    excluded
        Names of samples that are not used.
    patience
        How long to wait for the servers.

    Raises
    ------
    InputError
        If an accession is unknown or unusable, or a query finds nothing, nothing usable, or too many samples.
    """
    rows = [sample for sample in listed if sample.cell_type == cell_type.name]
    asked_by_row = {row.source for row in rows}
    samples: list[Sample] = []
    rejected: list[Rejected] = []
    with Web(patience) as web:
        about = (web, cell_type, sources, today, frozenset(sample.name for sample in listed), excluded)
        at_encode, at_recount3 = EncodeDesk(*about), GtexDesk(*about)
        asked = [row for row in rows if not row.located and row.name not in excluded]
        gtex = at_recount3.listed([row for row in asked if row.source is Source.GTEX])
        for row in rows:
            if row not in asked:
                provenance = replace(row.provenance, reason=row.provenance.reason or LISTED)
                found = Resolution((replace(row, provenance=provenance),), ())
            elif row.source is Source.GTEX:
                found = Resolution((gtex[row.name],), ())
            elif row.files:
                found = Resolution((at_encode.listed_files(row),), ())
            else:
                found = at_encode.listed_experiment(row)
            samples += found.samples
            rejected += found.rejected
        if cell_type.encode_query and Source.ENCODE not in asked_by_row:
            found = at_encode.search(cell_type.encode_query)
            samples += found.samples
            rejected += found.rejected
        if cell_type.gtex_tissue and Source.GTEX not in asked_by_row:
            found = at_recount3.search(cell_type.gtex_tissue)
            samples += found.samples
            rejected += found.rejected
    check_distinct(samples, excluded)
    resolution = Resolution(tuple(samples), tuple(rejected), PUBLISHED_SAMPLES.get(cell_type.published_ontology or ""))
    log.info("%s: %s", cell_type.name, resolution.summary)
    return resolution
