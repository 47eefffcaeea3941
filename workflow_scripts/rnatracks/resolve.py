"""Samples of a cell type: those that a person listed, and those that its queries find."""

import itertools
import logging
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from . import choice, encode, recount3
from .errors import InputError, shorten
from .samplefiles import check_distinct
from .samples import CellType, Provenance, Rejected, Sample, SignalFile
from .terms import Source, Strand
from .web import Patience, Web

log = logging.getLogger(__name__)

LISTED = "listed in the sample sheet"
# Samples behind the published B-lymphocyte and natural-killer-cell models, by ontology term.
PUBLISHED = {"EFO:0002784": 4, "CL:0000623": 13}
MOST_EXPERIMENTS = 1000  # asked for one by one, at a second or so each, before any is chosen


@dataclass(frozen=True)
class Sources:
    """Base addresses of the collections, the most samples that a query may choose, and how long to wait."""

    encode: str = "https://www.encodeproject.org"
    recount3: str = "http://duffel.rail.bio/recount3"
    max_samples: int = 200
    patience: Patience = field(default_factory=Patience)


@dataclass(frozen=True)
class Resolution:
    """Samples of a cell type, files that were not taken, and the number of samples in the publication, if it has it."""

    samples: tuple[Sample, ...]
    rejected: tuple[Rejected, ...]
    published: int | None = None

    @property
    def summary(self) -> str:
        """Numbers in words, for a log or a report."""
        beside = "" if self.published is None else f"; the publication used {self.published}"
        return f"{_count(self.samples, 'sample')} {self._donors}, {_count(self.rejected, 'file')} not taken{beside}"

    @property
    def _donors(self) -> str:
        """How many donors the samples come from: the samples of one donor each count in full."""
        named = [sample.provenance.donor for sample in self.samples if sample.provenance.donor]
        donors = {donor for names in named for donor in names.split(",")}
        unknown = len(self.samples) - len(named)
        if not donors:
            return "of unknown donors"
        return f"of {_count(donors, 'donor')}" + (f" and {unknown} of unknown donors" if unknown else "")


def resolve(
    cell_type: CellType, listed: Sequence[Sample], sources: Sources, today: date, excluded: Collection[str] = ()
) -> Resolution:
    """Find the files of a cell type's samples.

    Rows with paths or URLs, and excluded ones, pass as they are. Rows with ENCODE or GTEx ids are looked up, one by
    one. A query of the cell type is asked if the sheet has no row of that source for the cell type.

    Parameters
    ----------
    cell_type
        With its queries.
    listed
        The sample sheet; rows of other cell types only keep their names from being used twice.
    sources
        Where to ask.
    today
        Date of asking, which is noted with each sample that was asked for.
    excluded
        Names of samples that are not used.

    Raises
    ------
    InputError
        If an accession is unknown or unusable, or a query finds nothing, nothing usable, or too much.
    """
    rows = [sample for sample in listed if sample.cell_type == cell_type.name]
    asked_by_row = {row.source for row in rows}
    samples: list[Sample] = []
    rejected: list[Rejected] = []
    with Web(sources.patience) as web:
        desk = _Desk(web, cell_type, sources, today, frozenset(sample.name for sample in listed), excluded)
        asked = [row for row in rows if not row.located and row.name not in excluded]
        gtex = desk.listed_gtex([row for row in asked if row.source is Source.GTEX])
        for row in rows:
            if row not in asked:
                provenance = replace(row.provenance, reason=row.provenance.reason or LISTED)
                found = Resolution((replace(row, provenance=provenance),), ())
            elif row.source is Source.GTEX:
                found = Resolution((gtex[row.name],), ())
            elif row.files:
                found = Resolution((desk.listed_files(row),), ())
            else:
                found = desk.listed_experiment(row)
            samples += found.samples
            rejected += found.rejected
        if cell_type.encode_query and Source.ENCODE not in asked_by_row:
            found = desk.search_encode(cell_type.encode_query)
            samples += found.samples
            rejected += found.rejected
        if cell_type.gtex_tissue and Source.GTEX not in asked_by_row:
            found = desk.search_gtex(cell_type.gtex_tissue)
            samples += found.samples
            rejected += found.rejected
    check_distinct(samples, excluded)
    resolution = Resolution(tuple(samples), tuple(rejected), PUBLISHED.get(cell_type.ontology or ""))
    log.info("%s: %s", cell_type.name, resolution.summary)
    return resolution


def _count(things: Collection[object], name: str) -> str:
    return f"{len(things)} {name}{'' if len(things) == 1 else 's'}"


@dataclass(frozen=True)
class _Desk:
    """Asks the collections on behalf of one cell type."""

    web: Web
    cell_type: CellType
    sources: Sources
    today: date
    names: Collection[str]
    excluded: Collection[str]

    def search_encode(self, text: str) -> Resolution:
        """Samples that an ENCODE query finds."""
        query = encode.Query.of(text, bool(self.cell_type.stranded))
        where = f"cell type {self.cell_type.name}, encode_query {text}"
        url = query.url(self.sources.encode)
        files = encode.search_files(self.web, self.sources.encode, query)
        if not files:
            raise InputError(where, f"no file at {url}", "a query that finds bigWig files")
        made = self._choose(files, query, where, url)
        self._check_number(
            len(made.chosen), where, url, "add filters to encode_query, such as &lab.title=..., or list experiments"
        )
        samples = tuple(
            self._encode_sample(self._free_name(each.experiment.accession), each, each.reason) for each in made.chosen
        )
        return Resolution(samples, self._rejected(made))

    def listed_experiment(self, row: Sample) -> Resolution:
        """The sample of a row that names an ENCODE experiment; what the portal holds against it is noted."""
        accession, where = row.provenance.experiment, f"sample {row.name}, experiment"
        experiment = encode.ask_experiment(self.web, self.sources.encode, accession, where)
        accession = experiment.accession  # another one where the portal has merged experiments
        query = encode.Query.of(f"dataset=/experiments/{accession}/&{self._assembly}", bool(self.cell_type.stranded))
        url = query.url(self.sources.encode)
        files = encode.search_files(self.web, self.sources.encode, query)
        if not files:
            raise InputError(where, f"no file of {accession} at {url}", "an experiment with bigWig files")
        made = self._choose(files, query, where, url, experiment)
        (chosen,) = made.chosen
        return Resolution((self._encode_sample(row.name, chosen, self._listed_reason(chosen)),), self._rejected(made))

    def listed_files(self, row: Sample) -> Sample:
        """The sample of a row that names ENCODE files; what the portal holds against them is noted."""
        query = encode.Query.of(self._assembly, bool(row.stranded))
        files = {}
        for strand, given in row.files.items():
            where = f"sample {row.name}, {strand}"
            file = encode.ask_file(self.web, self.sources.encode, given.location, where)
            # A person may want an archived or an old file, short reads or one that an audit complains about.
            fault = choice.file_fault(
                replace(
                    file,
                    status=encode.RELEASED if file.status == "archived" else file.status,
                    md5=file.md5 or given.md5,
                    date="",
                    read_length=None,
                    audit=None,
                ),
                query,
            )
            if fault:
                raise InputError(where, f"{file.accession}, of which {fault}", "a file that can be used")
            if given.md5 and file.md5 and given.md5 != file.md5:
                raise InputError(where, f"{file.accession}, whose MD5 at ENCODE is {file.md5}", given.md5)
            if given.size is not None and file.size is not None and given.size != file.size:
                raise InputError(where, f"{file.accession}, whose size at ENCODE is {file.size} bytes", given.size)
            files[strand] = replace(
                file, md5=file.md5 or given.md5, size=given.size if file.size is None else file.size
            )
        where = f"sample {row.name}"
        if len(files) == 2 and (fault := choice.pair_fault(files[Strand.PLUS], files[Strand.MINUS])):
            raise InputError(where, fault, "the plus and the minus strand of one signal")
        accession = choice.Signal(files).first.experiment
        if row.provenance.experiment not in ("", accession):
            raise InputError(f"{where}, experiment", row.provenance.experiment, f"{accession}, as ENCODE has it")
        experiment = encode.ask_experiment(self.web, self.sources.encode, accession, where)
        signal = choice.Signal({strand: encode.complete(file, experiment) for strand, file in files.items()})
        chosen = choice.Chosen(signal, experiment, choice.donors_of(signal, experiment), "")
        return self._encode_sample(row.name, chosen, self._listed_reason(chosen))

    def listed_gtex(self, rows: Sequence[Sample]) -> dict[str, Sample]:
        """Samples of rows that name GTEx samples, by name; the tables of their tissue are asked for once."""
        if not rows or not self.cell_type.gtex_tissue:
            return {}
        tissue = recount3.Tissue.of(self.cell_type.gtex_tissue)
        project = recount3.project_samples(self.web, self.sources.recount3, tissue.project)
        if tissue.detail:  # else a person may list samples of several tissues of the project
            project = recount3.of_tissue(project, tissue, f"cell type {self.cell_type.name}, gtex_tissue {tissue}")
        known = {each.sample_id: each for each in project}
        samples = {}
        for row in rows:
            given = row.files[Strand.UNSTRANDED]
            where, found = f"sample {row.name}, unstranded", known.get(given.location)
            if found is None:
                raise InputError(where, repr(given.location), f"a sample of {tissue}: {shorten(list(known), 3)}")
            if found.fault:
                raise InputError(where, f"{given.location}, of which {found.fault}", "a sample that can be used")
            if refusal := self.web.refusal(found.url):
                raise InputError(
                    where,
                    f"{given.location}, whose bigWig at {found.url} is not given out: {refusal}",
                    "a sample that can be fetched",
                )
            samples[row.name] = self._gtex_sample(row.name, found, LISTED, given)
        return samples

    def search_gtex(self, text: str) -> Resolution:
        """All usable samples of a GTEx tissue."""
        tissue, where = recount3.Tissue.of(text), f"cell type {self.cell_type.name}, gtex_tissue {text}"
        url = recount3.metadata_url(self.sources.recount3, tissue.project, "recount_project")
        project = recount3.project_samples(self.web, self.sources.recount3, tissue.project)
        known = recount3.of_tissue(project, tissue, where)
        usable = [each for each in known if not each.fault]
        rejected = [(each, each.fault) for each in known if each.fault]
        log.info("%s: asking whether %d bigWigs of %s are there", self.cell_type.name, len(usable), tissue)
        taken: list[recount3.GtexSample] = []
        left = len(usable)
        for each in usable:
            refusal = None if self._free_name(each.sample_id) in self.excluded else self.web.refusal(each.url)
            if refusal:
                log.warning("%s: its bigWig at %s is not given out: %s", each.sample_id, each.url, refusal)
                rejected.append((each, f"recount3 does not give out its bigWig: {refusal}"))
                left -= 1
            else:
                taken.append(each)
            if len(taken) > self.sources.max_samples:
                self._check_number(left, where, url, "name the samples in the sample sheet (source gtex)")
        if not taken:
            raise InputError(where, f"no usable sample of {len(known)} at {url}", "a GTEx project with samples")
        return Resolution(
            tuple(self._gtex_sample(self._free_name(each.sample_id), each, "found by gtex_tissue") for each in taken),
            tuple(
                Rejected(self.cell_type.name, each.sample_id, "", "", "", "", reason)
                for each, reason in sorted(rejected, key=lambda pair: pair[0].sample_id)
            ),
        )

    def _choose(
        self,
        files: Sequence[encode.File],
        query: encode.Query,
        where: str,
        url: str,
        listed: encode.Experiment | None = None,
    ) -> choice.Choice:
        """Choose among files, which are all of the listed experiment if there is one; finding none is an error."""
        candidates = choice.pair_files(files, query).signals
        if len(candidates) > MOST_EXPERIMENTS:
            raise InputError(
                where,
                f"{len(candidates)} experiments at {url}",
                f"at most {MOST_EXPERIMENTS} to ask for: add filters to encode_query, such as &lab.title=...",
            )
        experiments = {
            accession: listed or encode.ask_experiment(self.web, self.sources.encode, accession, where)
            for accession in candidates
        }
        # The experiments' pages tell more of their files, so that these are judged and paired again.
        known = [
            encode.complete(file, experiments[file.experiment]) if file.experiment in experiments else file
            for file in files
        ]
        made = choice.choose(choice.pair_files(known, query), experiments, query, listed=listed is not None)
        if not made.chosen:
            reasons = Counter(reason for _, reason in made.rejected).most_common(3)
            found = "; ".join(f"{count} times: {reason}" for reason, count in reasons)
            raise InputError(where, f"{len(files)} files at {url}, none usable ({found})", "usable files")
        return made

    def _check_number(self, samples: int, where: str, url: str, advice: str) -> None:
        """Check that a query does not choose more samples than the user allows."""
        if samples > self.sources.max_samples:
            raise InputError(
                where,
                f"{samples} samples to take at {url}",
                f"at most {self.sources.max_samples}: {advice}, or raise sources.max_samples",
            )

    @property
    def _assembly(self) -> str:
        """The filter on the assembly, which the cell type's query may set."""
        query = encode.Query.of(self.cell_type.encode_query or "", bool(self.cell_type.stranded))
        return f"assembly={query.first('assembly')}"

    def _free_name(self, accession: str) -> str:
        """The accession, with a number after it if a listed sample is called so."""
        names = itertools.chain([accession], (f"{accession}.{number}" for number in itertools.count(2)))
        return next(name for name in names if name not in self.names)

    def _listed_reason(self, chosen: choice.Chosen) -> str:
        """Words for a sample that a person chose, with a warning for what a search would have refused."""
        query = encode.Query.of(self._assembly, Strand.UNSTRANDED not in chosen.signal.files)
        against = [choice.experiment_fault(chosen.experiment, query)]
        for file in chosen.signal.files.values():
            fault = choice.file_fault(file, query)
            against.append(f"{file.accession}: {fault}" if fault else None)
        noted = "; ".join(fault for fault in against if fault)
        if noted:
            log.warning("%s, listed experiment %s: %s", self.cell_type.name, chosen.experiment.accession, noted)
        words = f"{LISTED}; {choice.describe(chosen.signal, chosen.experiment)}"
        return f"{words}; a search would have left it out: {noted}" if noted else words

    def _encode_sample(self, name: str, chosen: choice.Chosen, reason: str) -> Sample:
        file, base = chosen.signal.first, self.sources.encode.rstrip("/")
        provenance = Provenance(
            experiment=chosen.experiment.accession,
            donor=",".join(chosen.donors),
            replicates=",".join(map(str, file.replicates)),
            output_type=file.output_type.removeprefix("plus strand "),
            read_length=str(file.read_length or ""),
            date_asked=self.today.isoformat(),
            reason=reason,
        )
        files = {
            strand: SignalFile(f"{base}{each.href}", each.md5, each.size, each.accession)
            for strand, each in chosen.signal.files.items()
        }
        return Sample(name, self.cell_type.name, Source.ENCODE, files, provenance)

    def _gtex_sample(
        self, name: str, found: recount3.GtexSample, reason: str, given: SignalFile | None = None
    ) -> Sample:
        md5, size = (given.md5, given.size) if given else (None, None)
        provenance = Provenance(
            donor=found.donor,
            read_length=f"{found.mapped_length:g}",
            output_type="sum of all reads",
            date_asked=self.today.isoformat(),
            reason=f"{reason}; {found.detail or 'tissue not stated'}; recount3 publishes no MD5"
            + (", the sheet gives one" if md5 else ""),
        )
        file = SignalFile(found.url, md5, size, accession=found.sample_id)
        return Sample(name, self.cell_type.name, Source.GTEX, {Strand.UNSTRANDED: file}, provenance)

    def _rejected(self, made: choice.Choice) -> tuple[Rejected, ...]:
        return tuple(
            Rejected(
                self.cell_type.name,
                file.accession,
                file.experiment,
                file.output_type,
                file.assembly,
                file.status,
                reason,
            )
            for file, reason in made.rejected
        )
