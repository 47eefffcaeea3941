"""Searches for signal files at ENCODE, and look-ups of single files and experiments."""

from dataclasses import dataclass, replace
from urllib.parse import parse_qsl, quote, urlencode

from ..downloads.web import Web
from ..errors import InputError
from ..vocabulary import Strand
from .encode_answers import ASSEMBLY, OUTPUT_TYPES, RELEASED, Audit, Experiment, File, read_experiment, read_file


def _output_types(stranded: bool) -> tuple[str, ...]:
    return tuple(name for name, (strand, _) in OUTPUT_TYPES.items() if (strand is not Strand.UNSTRANDED) is stranded)


@dataclass(frozen=True)
class Query:
    """Filters of a file search, as key-value pairs in order.

    A file is used only if it has this `assembly` and `status`. If a search allows several values of
    either, the first one counts, because a track has one assembly.
    """

    filters: tuple[tuple[str, str], ...]
    stranded: bool

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
        given = parse_qsl(text, keep_blank_values=True)
        ours = [
            *(("type", "File"), ("format", "json"), ("limit", "all"), ("frame", "object")),
            *(("file_format", "bigWig"), ("assembly", ASSEMBLY), ("status", RELEASED)),
            *(("output_type", name) for name in _output_types(stranded)),
        ]
        keys = {key for key, _ in given}
        return cls((*given, *(pair for pair in ours if pair[0] not in keys)), stranded)

    @property
    def output_types(self) -> tuple[str, ...]:
        """Usable output types, whatever the search asks for."""
        return _output_types(self.stranded)

    def first(self, key: str) -> str:
        """First value of a key."""
        return next(value for name, value in self.filters if name == key)

    def url(self, base: str) -> str:
        """URL of the search."""
        return f"{base.rstrip('/')}/search/?{urlencode(self.filters, quote_via=quote, safe='*:/')}"


def search_files(web: Web, base: str, query: Query) -> list[File]:
    """Files that a search finds, each once, sorted by accession; there may be none.

    Raises
    ------
    InputError
        If the response is not a list of files, or lacks some of the files found.
    """
    url = query.url(base)
    answer = web.json(url)
    graph = answer.body.get("@graph")
    if not isinstance(graph, list):
        raise InputError(url, "a response without a list under @graph", "the response to an ENCODE search")
    total = answer.body.get("total", len(graph))
    if total != len(graph):
        raise InputError(url, f"{len(graph)} of {total} files in the response", "all of them")
    files = {file.accession: file for file in (read_file(document, url) for document in graph)}
    return [files[accession] for accession in sorted(files)]


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
