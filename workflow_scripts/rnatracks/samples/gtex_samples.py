"""recount3 samples of a cell type: listed ones, and all those of a GTEx tissue."""

import logging
from collections.abc import Sequence

from ..errors import InputError, shorten
from ..vocabulary import Source, Strand
from . import recount3
from .sample import Rejected, Sample, SampleNotes, SignalFile
from .search_terms import LISTED, Desk, Resolution

log = logging.getLogger(__name__)


class GtexDesk(Desk):
    """Searches recount3."""

    def listed(self, rows: Sequence[Sample]) -> dict[str, Sample]:
        """Samples of rows that name GTEx samples, by name; the tables of their tissue are fetched once."""
        if not rows or not self.cell_type.gtex_tissue:
            return {}
        tissue = recount3.Tissue.of(self.cell_type.gtex_tissue)
        project = recount3.project_samples(self.web, self.sources.recount3, tissue.project)
        if tissue.detail:  # otherwise the user may list samples of several tissues of the project
            project = recount3.of_tissue(project, tissue, f"cell type {self.cell_type.name}, gtex_tissue {tissue}")
        known = {each.sample_id: each for each in project}
        samples = {}
        for row in rows:
            given = row.files[Strand.UNSTRANDED]
            where, found = f"sample {row.name}, unstranded", known.get(given.location)
            if found is None:
                raise InputError(where, repr(given.location), f"a sample of {tissue}: {shorten(list(known), 3)}")
            if found.fault:
                raise InputError(where, f"{given.location}, but {found.fault}", "a usable sample")
            if refusal := self.web.refusal(found.url):
                raise InputError(
                    where,
                    f"{given.location}, whose bigWig at {found.url} is not available: {refusal}",
                    "a sample whose bigWig can be downloaded",
                )
            samples[row.name] = self._sample(row.name, found, LISTED, given)
        return samples

    def search(self, text: str) -> Resolution:
        """All usable samples of a GTEx tissue."""
        tissue, where = recount3.Tissue.of(text), f"cell type {self.cell_type.name}, gtex_tissue {text}"
        url = recount3.metadata_url(self.sources.recount3, tissue.project, "recount_project")
        project = recount3.project_samples(self.web, self.sources.recount3, tissue.project)
        known = recount3.of_tissue(project, tissue, where)
        usable = [each for each in known if not each.fault]
        rejected = [(each, each.fault) for each in known if each.fault]
        asked = min(len(usable), self.sources.gtex_samples or len(usable))
        log.info("%s: checking whether %d bigWigs of %s are available", self.cell_type.name, asked, tissue)
        taken: list[recount3.GtexSample] = []
        wanted = self.sources.gtex_samples
        used, left = 0, len(usable)  # excluded samples stay listed, but are not used
        for each in usable if wanted is None else _spread_first(usable, wanted):
            if used == wanted:
                rejected.append((each, f"sources.gtex_samples asks for {wanted} of the tissue's samples"))
                continue
            is_excluded = self.free_name(each.sample_id) in self.excluded
            refusal = None if is_excluded else self.web.refusal(each.url)
            if refusal:
                log.warning("%s: its bigWig at %s is not available: %s", each.sample_id, each.url, refusal)
                rejected.append((each, f"its bigWig is not available at recount3: {refusal}"))
                left -= 1
            else:
                taken.append(each)
                used += not is_excluded
            if len(taken) > self.sources.max_samples:
                self.check_number(left, where, url, "list the samples in the sample sheet (source gtex)")
        taken.sort(key=lambda sample: sample.sample_id)
        if not taken:
            raise InputError(where, f"{len(known)} samples at {url}, none usable", "a GTEx project with usable samples")
        return Resolution(
            tuple(self._sample(self.free_name(each.sample_id), each, "found by gtex_tissue") for each in taken),
            tuple(
                Rejected(self.cell_type.name, each.sample_id, "", "", "", "", reason)
                for each, reason in sorted(rejected, key=lambda pair: pair[0].sample_id)
            ),
        )

    def _sample(self, name: str, found: recount3.GtexSample, reason: str, given: SignalFile | None = None) -> Sample:
        md5, size = (given.md5, given.size) if given else (None, None)
        provenance = SampleNotes(
            donor=found.donor,
            read_length=f"{found.mapped_length:g}",
            output_type="sum of all reads",
            date_asked=self.today.isoformat(),
            reason=f"{reason}; {found.detail or 'tissue not stated'}; recount3 publishes no MD5"
            + (", the sheet gives one" if md5 else ""),
        )
        file = SignalFile(found.url, md5, size, accession=found.sample_id)
        return Sample(name, self.cell_type.name, Source.GTEX, {Strand.UNSTRANDED: file}, provenance)


def _spread_first(samples: Sequence[recount3.GtexSample], number: int) -> list[recount3.GtexSample]:
    """Samples in another order: first `number` of them that are evenly spread, then the others.

    Ids start with the donor, so that samples next to each other may be of one donor.
    """
    if number >= len(samples):
        return list(samples)
    chosen = {len(samples) * place // number for place in range(number)}
    return [samples[place] for place in [*sorted(chosen), *(n for n in range(len(samples)) if n not in chosen)]]
