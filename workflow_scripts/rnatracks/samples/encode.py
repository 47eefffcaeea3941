"""Signal files and experiments at ENCODE: how they are searched for and asked for."""

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
    """Filters of a file search: key and value pairs, in their order.

    `assembly` and `status` are what a file must have to be taken. Where a search allows several of
    one of them, the first is taken, since a track holds one assembly.
    """

    filters: tuple[tuple[str, str], ...]
    stranded: bool

    @classmethod
    def of(cls, text: str, stranded: bool) -> "Query":
        """Add the filters that `text` does not set itself.

        Parameters
        ----------
        text
            `key=value` joined by `&`, as in the address of a search.
        stranded
            Whether pairs of a plus and a minus file are searched for, or unstranded files.
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
        """Output types that can be used, whatever the search asks for."""
        return _output_types(self.stranded)

    def first(self, key: str) -> str:
        """First value of a key."""
        return next(value for name, value in self.filters if name == key)

    def url(self, base: str) -> str:
        """Address of the search."""
        return f"{base.rstrip('/')}/search/?{urlencode(self.filters, quote_via=quote, safe='*:/')}"


def search_files(web: Web, base: str, query: Query) -> list[File]:
    """Files that a search finds, each once, by accession; none is an answer.

    Raises
    ------
    InputError
        If the answer is no list of files, or holds fewer than were found.
    """
    url = query.url(base)
    answer = web.json(url)
    graph = answer.body.get("@graph")
    if not isinstance(graph, list):
        raise InputError(url, "an answer without a list under @graph", "the answer of an ENCODE search")
    total = answer.body.get("total", len(graph))
    if total != len(graph):
        raise InputError(url, f"{len(graph)} of {total} files in the answer", "all of them")
    files = {file.accession: file for file in (read_file(document, url) for document in graph)}
    return [files[accession] for accession in sorted(files)]


def ask_file(web: Web, base: str, accession: str, where: str) -> File:
    """One file by its accession; `where` is what an error line calls the place that names it."""
    url = f"{base.rstrip('/')}/files/{accession}/?format=json&frame=object"
    answer = web.json(url)
    if not answer.found:
        raise InputError(where, f"{accession}, which {url} does not know", "the accession of an ENCODE file")
    return read_file(answer.body, url)


def ask_experiment(web: Web, base: str, accession: str, where: str) -> Experiment:
    """One experiment by its accession; `where` is what an error line calls the place that names it."""
    url = f"{base.rstrip('/')}/experiments/{accession}/?format=json"
    answer = web.json(url)
    if not answer.found:
        raise InputError(where, f"{accession}, which {url} does not know", "the accession of an ENCODE experiment")
    return read_experiment(answer.body, url)


def complete(file: File, experiment: Experiment) -> File:
    """Add what only the experiment's page says of a file: its audit and the length of its reads.

    Both are also taken from the alignments that the file counts: those of the same analysis and of no other
    replicates. The shortest reads and the worst finding count.
    """
    counted = [
        each
        for each in experiment.alignments
        if each.analyses and each.analyses == file.analyses and set(each.replicates) <= set(file.replicates)
    ]
    names = [file.accession, *(each.accession for each in counted)]
    audits = [file.audit, *(experiment.file_audits.get(name) for name in names)]
    if experiment.audit is not None:  # the page holds the findings, so a file without any has none
        audits.append(Audit.NONE)
    lengths = [each.read_length for each in counted if each.read_length is not None]
    return replace(
        file,
        audit=max((audit for audit in audits if audit is not None), default=None),
        read_length=min(lengths, default=None) if file.read_length is None else file.read_length,
    )
