"""ENCODE samples of a cell type: listed ones, named by file or experiment, and those that a query finds."""

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from ..errors import InputError
from ..vocabulary import Source, Strand
from . import encode, encode_choice
from .sample import Rejected, Sample, SampleNotes, SignalFile
from .search_terms import LISTED, Desk, Resolution

log = logging.getLogger(__name__)

MAX_EXPERIMENTS = 1000  # looked up one by one, about a second each, before any is chosen


class EncodeDesk(Desk):
    """Searches the ENCODE portal."""

    def search(self, text: str) -> Resolution:
        """Samples that an ENCODE query finds."""
        query = encode.Query.of(text, bool(self.cell_type.stranded))
        where = f"cell type {self.cell_type.name}, encode_query {text}"
        url = query.url(self.sources.encode)
        files = encode.search_files(self.web, self.sources.encode, query)
        if not files:
            raise InputError(where, f"no file at {url}", "a query that finds bigWig files")
        if query.of_experiments:
            passing = encode.search_experiments(self.web, self.sources.encode, query)
            query = replace(query, experiments=passing)
        made = self._choose(files, query, where, url)
        self.check_number(
            len(made.chosen), where, url, "add filters to encode_query, such as &lab.title=..., or list experiments"
        )
        samples = tuple(
            self._sample(self.free_name(each.experiment.accession), each, each.reason) for each in made.chosen
        )
        return Resolution(samples, self._rejected(made))

    def listed_experiment(self, row: Sample) -> Resolution:
        """The sample of a row that names an ENCODE experiment; problems that the portal reports are noted."""
        accession, where = row.provenance.experiment, f"sample {row.name}, experiment"
        experiment = encode.ask_experiment(self.web, self.sources.encode, accession, where)
        accession = experiment.accession  # a different one if the portal has merged experiments
        query = encode.Query.of(f"dataset=/experiments/{accession}/&{self._assembly}", bool(self.cell_type.stranded))
        url = query.url(self.sources.encode)
        files = encode.search_files(self.web, self.sources.encode, query)
        if not files:
            raise InputError(where, f"no file of {accession} at {url}", "an experiment with bigWig files")
        made = self._choose(files, query, where, url, experiment)
        (chosen,) = made.chosen
        return Resolution((self._sample(row.name, chosen, self._listed_reason(chosen)),), self._rejected(made))

    def listed_files(self, row: Sample) -> Sample:
        """The sample of a row that names ENCODE files; problems that the portal reports are noted."""
        query = encode.Query.of(self._assembly, bool(row.stranded))
        files = {}
        for strand, given in row.files.items():
            where = f"sample {row.name}, {strand}"
            file = encode.ask_file(self.web, self.sources.encode, given.location, where)
            # The user may want a file that is archived or old, has short reads or has findings in its audit.
            fault = encode_choice.file_fault(
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
                raise InputError(where, f"{file.accession}, but {fault}", "a usable file")
            if given.md5 and file.md5 and given.md5 != file.md5:
                raise InputError(where, f"{file.accession}, whose MD5 at ENCODE is {file.md5}", given.md5)
            if given.size is not None and file.size is not None and given.size != file.size:
                raise InputError(where, f"{file.accession}, whose size at ENCODE is {file.size} bytes", given.size)
            files[strand] = replace(
                file, md5=file.md5 or given.md5, size=given.size if file.size is None else file.size
            )
        where = f"sample {row.name}"
        if len(files) == 2 and (fault := encode_choice.pair_fault(files[Strand.PLUS], files[Strand.MINUS])):
            raise InputError(where, fault, "the plus and the minus strand of one signal")
        accession = encode_choice.Signal(files).first.experiment
        if row.provenance.experiment not in ("", accession):
            raise InputError(f"{where}, experiment", row.provenance.experiment, f"{accession}, as at ENCODE")
        experiment = encode.ask_experiment(self.web, self.sources.encode, accession, where)
        signal = encode_choice.Signal({strand: encode.complete(file, experiment) for strand, file in files.items()})
        chosen = encode_choice.Chosen(signal, experiment, encode_choice.donors_of(signal, experiment), "")
        return self._sample(row.name, chosen, self._listed_reason(chosen))

    def _choose(
        self,
        files: Sequence[encode.File],
        query: encode.Query,
        where: str,
        url: str,
        listed: encode.Experiment | None = None,
    ) -> encode_choice.Choice:
        """Choose among files, all of the listed experiment if there is one; it is an error if none is usable."""
        candidates = encode_choice.pair_files(files, query).signals
        if len(candidates) > MAX_EXPERIMENTS:
            raise InputError(
                where,
                f"{len(candidates)} experiments at {url}",
                f"at most {MAX_EXPERIMENTS} to look up: add filters to encode_query, such as &lab.title=...",
            )
        experiments = {
            accession: listed or encode.ask_experiment(self.web, self.sources.encode, accession, where)
            for accession in candidates
        }
        # The experiments' pages say more about their files, so these are checked and paired again.
        known = [
            encode.complete(file, experiments[file.experiment]) if file.experiment in experiments else file
            for file in files
        ]
        made = encode_choice.choose(
            encode_choice.pair_files(known, query), experiments, query, listed=listed is not None
        )
        if not made.chosen:
            reasons = Counter(reason for _, reason in made.rejected).most_common(3)
            found = "; ".join(f"{count} times: {reason}" for reason, count in reasons)
            raise InputError(where, f"{len(files)} files at {url}, none usable ({found})", "usable files")
        return made

    @property
    def _assembly(self) -> str:
        """The filter on the assembly, which the cell type's query may set."""
        query = encode.Query.of(self.cell_type.encode_query or "", bool(self.cell_type.stranded))
        return f"assembly={query.first('assembly')}"

    def _listed_reason(self, chosen: encode_choice.Chosen) -> str:
        """The reason for a listed sample, with a warning for what a search would have rejected."""
        query = encode.Query.of(self._assembly, Strand.UNSTRANDED not in chosen.signal.files)
        against = [encode_choice.experiment_fault(chosen.experiment, query)]
        for file in chosen.signal.files.values():
            fault = encode_choice.file_fault(file, query)
            against.append(f"{file.accession}: {fault}" if fault else None)
        noted = "; ".join(fault for fault in against if fault)
        if noted:
            log.warning("%s, listed experiment %s: %s", self.cell_type.name, chosen.experiment.accession, noted)
        words = f"{LISTED}; {encode_choice.describe_choice(chosen.signal, chosen.experiment)}"
        return f"{words}; a search would have rejected it: {noted}" if noted else words

    def _sample(self, name: str, chosen: encode_choice.Chosen, reason: str) -> Sample:
        file, base = chosen.signal.first, self.sources.encode.rstrip("/")
        provenance = SampleNotes(
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

    def _rejected(self, made: encode_choice.Choice) -> tuple[Rejected, ...]:
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
