"""Searches for signal files at ENCODE, and look-ups of single files and experiments."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

from ..downloads.web import Web
from ..errors import InputError
from ..vocabulary import Strand
from .encode_answers import (
    ASSEMBLY,
    OUTPUT_TYPES,
    RELEASED,
    Audit,
    Experiment,
    File,
    read_experiment,
    read_experiment_accession,
    read_file,
)


def _search_url(base: str, filters: Sequence[tuple[str, str]]) -> str:
    return f"{base.rstrip('/')}/search/?{urlencode(filters, quote_via=quote, safe='*:/')}"


def _search(web: Web, url: str, what: str) -> list[Any]:
    """Documents that a search finds; there may be none."""
    answer = web.json(url)
    graph = answer.body.get("@graph")
    if not isinstance(graph, list):
        raise InputError(url, "a response without a list under @graph", "the response to an ENCODE search")
    total = answer.body.get("total", len(graph))
    if total != len(graph):
        raise InputError(url, f"{len(graph)} of {total} {what} in the response", "all of them")
    return graph


def _output_types(stranded: bool) -> tuple[str, ...]:
    return tuple(name for name, (strand, _) in OUTPUT_TYPES.items() if (strand is not Strand.UNSTRANDED) is stranded)


# The portal knows these fields of experiments only, and does not find files by them.
EXPERIMENT_KEYS = ("replicates.", "files.")
# Filters of files that experiments have as well.
SHARED_KEYS = ("assay_title", "assay_term_name", "biosample_ontology.")


@dataclass(frozen=True)
class Query:
    """Filters of a file search, as key-value pairs in order, and those that only a search for experiments understands.

    A file is used only if it has this `assembly` and `status`. If a search allows several values of
    either, the first one counts, because a track has one assembly. `experiments` are those that passed the filters of
    experiments, once they are known; None is all.
    """

    filters: tuple[tuple[str, str], ...]
    stranded: bool
    of_experiments: tuple[tuple[str, str], ...] = ()
    experiments: frozenset[str] | None = None

    @classmethod
    def of(cls, text: str, stranded: bool) -> "Query":
        """Add the filters that `text` does not set itself.

        Parameters
        ----------
        text
            `key=value` pairs joined by `&`, as in the URL of a search.
        stranded
            Whether the search is for pairs of a plus and a minus file or for unstranded files.
        """
        pairs = parse_qsl(text, keep_blank_values=True)
        of_experiments = [pair for pair in pairs if pair[0].startswith(EXPERIMENT_KEYS)]
        given = [pair for pair in pairs if pair not in of_experiments]
        ours = [
            *(("type", "File"), ("format", "json"), ("limit", "all"), ("frame", "object")),
            *(("file_format", "bigWig"), ("assembly", ASSEMBLY), ("status", RELEASED)),
            *(("output_type", name) for name in _output_types(stranded)),
        ]
        keys = {key for key, _ in given}
        return cls((*given, *(pair for pair in ours if pair[0] not in keys)), stranded, tuple(of_experiments))

    @property
    def output_types(self) -> tuple[str, ...]:
        """Usable output types, whatever the search asks for."""
        return _output_types(self.stranded)

    def first(self, key: str) -> str:
        """First value of a key."""
        return next(value for name, value in self.filters if name == key)

    def url(self, base: str) -> str:
        """URL of the search."""
        return _search_url(base, self.filters)

    def url_of_experiments(self, base: str) -> str:
        """URL of the search for experiments that pass the filters of experiments."""
        ours = (("type", "Experiment"), ("format", "json"), ("limit", "all"), ("frame", "object"))
        shared = [pair for pair in self.filters if pair[0].startswith(SHARED_KEYS)]
        return _search_url(base, (*ours, *shared, *self.of_experiments))


def search_files(web: Web, base: str, query: Query) -> list[File]:
    """Files that a search finds, each once, sorted by accession; there may be none.

    Raises
    ------
    InputError
        If the response is not a list of files, or lacks some of the files found.
    """
    url = query.url(base)
    files = {file.accession: file for file in (read_file(document, url) for document in _search(web, url, "files"))}
    return [files[accession] for accession in sorted(files)]


def search_experiments(web: Web, base: str, query: Query) -> frozenset[str]:
    """Accessions of the experiments that pass the filters of experiments.

    Raises
    ------
    InputError
        If the response is not a list of experiments, or lacks some of those found.
    """
    url = query.url_of_experiments(base)
    return frozenset(read_experiment_accession(document, url) for document in _search(web, url, "experiments"))


def ask_file(web: Web, base: str, accession: str, where: str) -> File:
    """Look up a file by its accession; `where` says in errors what names the accession."""
    url = f"{base.rstrip('/')}/files/{accession}/?format=json&frame=object"
    answer = web.json(url)
    if not answer.found:
        raise InputError(where, f"{accession}, which does not exist at {url}", "the accession of an ENCODE file")
    return read_file(answer.body, url)


def ask_experiment(web: Web, base: str, accession: str, where: str) -> Experiment:
    """Look up an experiment by its accession; `where` says in errors what names the accession."""
    url = f"{base.rstrip('/')}/experiments/{accession}/?format=json"
    answer = web.json(url)
    if not answer.found:
        raise InputError(where, f"{accession}, which does not exist at {url}", "the accession of an ENCODE experiment")
    return read_experiment(answer.body, url)


def complete(file: File, experiment: Experiment) -> File:
    """Add what only the experiment's page says about a file: its audit and its read length.

    Both are also taken from the alignments that the file was made from: those of the same analysis and of no other
    replicates. The shortest read length and the worst finding count.
    """
    counted = [
        each
        for each in experiment.alignments
        if each.analyses and each.analyses == file.analyses and set(each.replicates) <= set(file.replicates)
    ]
    names = [file.accession, *(each.accession for each in counted)]
    audits = [file.audit, *(experiment.file_audits.get(name) for name in names)]
    if experiment.audit is not None:  # the page lists all findings, so a file that it does not list has none
        audits.append(Audit.NONE)
    lengths = [each.read_length for each in counted if each.read_length is not None]
    return replace(
        file,
        audit=max((audit for audit in audits if audit is not None), default=None),
        read_length=min(lengths, default=None) if file.read_length is None else file.read_length,
    )
