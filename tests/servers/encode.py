"""ENCODE's portal: files, experiments, and the search over them.

Field names and shapes follow the portal's schemas (github.com/ENCODE-DCC/encoded): `frame=object` names linked
objects by their path, `frame=embedded` holds the objects themselves, and a search matches the embedded form
whatever frame it answers in. Audits are shown in an object's page only, which is the embedded form here; the
page of an experiment also shows the audits of its files.
"""

import base64
import hashlib
import json
import operator
import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from urllib.parse import parse_qsl, quote

from .faults import Reply, page

Json = dict[str, object]

BUCKET = "encode-public"
CLOUD = f"https://{BUCKET}.s3.amazonaws.com"
EXTENSIONS = {"bigWig": ".bigWig", "bed": ".bed.gz", "bam": ".bam", "fastq": ".fastq.gz", "tsv": ".tsv"}
PAGE_SIZE = 25  # hits in an answer when no limit is given
NOT_FILTERS = {"limit", "frame", "format"}
NOT_IMPLEMENTED = {"advancedQuery", "field", "from", "mode", "searchTerm", "sort"}
# Left out of a search that names no frame: the portal then answers with the columns of its table only.
NOT_COLUMNS = {"md5sum", "s3_uri", "cloud_metadata", "analyses", "mapped_read_length", "preferred_default"}
COMPARISONS = {"gt": operator.gt, "gte": operator.ge, "lt": operator.lt, "lte": operator.le}


class Frame(StrEnum):
    """How much of the linked objects an answer holds."""

    OBJECT = "object"
    EMBEDDED = "embedded"


@dataclass(frozen=True)
class Audit:
    """A finding of the portal's checks; `level` is ERROR, NOT_COMPLIANT, WARNING or INTERNAL_ACTION."""

    level: str
    category: str

    @staticmethod
    def as_json(audits: Sequence[tuple["Audit", str]]) -> Json:
        """Findings by level, each with the path of what it is about; an object without any has an empty audit."""
        numbers = {"ERROR": 60, "NOT_COMPLIANT": 50, "WARNING": 40, "INTERNAL_ACTION": 30}
        found: dict[str, list[Json]] = {}
        for audit, path in audits:
            entry = {"category": audit.category, "level": numbers[audit.level], "level_name": audit.level, "path": path}
            found.setdefault(audit.level, []).append({**entry, "detail": audit.category, "name": "audit"})
        return dict(found)


@dataclass(frozen=True)
class Biosample:
    """What the RNA was taken from, as an ontology has it."""

    term_id: str = "EFO:0002784"
    term_name: str = "GM12878"
    classification: str = "cell line"

    def as_json(self, frame: Frame) -> Json | str:
        """Its path, or the object with the path in it."""
        kind = self.classification.replace(" ", "_")
        path = f"/biosample-types/{kind}_{self.term_id.replace(':', '_')}/"
        if frame is Frame.OBJECT:
            return path
        fields = {name: getattr(self, name) for name in ("term_id", "term_name", "classification")}
        return {"@id": path, "@type": ["BiosampleType", "Item"], **fields}


@dataclass(frozen=True)
class Replicate:
    """One library: its numbers, how it was made, and of what; the accessions derive from `name`."""

    biological: int = 1
    technical: int = 1
    name: str = "000AAA"
    strand_specificity: str = "reverse"
    nucleic_acid: str = "RNA"
    depleted: tuple[str, ...] = ("rRNA",)
    life_stage: str = "adult"
    subcellular_fraction: str | None = None
    treatments: tuple[str, ...] = ()
    modifications: tuple[str, ...] = ()
    phase: str | None = None
    organism: str = "Homo sapiens"

    def as_json(self, frame: Frame) -> Json | str:
        """Its path, or the object with library, biosample and donor in it."""
        path = f"/replicates/{uuid.uuid5(uuid.NAMESPACE_URL, f'{self.name}/{self.biological}_{self.technical}')}/"
        if frame is Frame.OBJECT:
            return path
        biosample = {
            "@id": f"/biosamples/ENCBS{self.name}/",
            "accession": f"ENCBS{self.name}",
            "life_stage": self.life_stage,
            "treatments": [{"treatment_term_name": name} for name in self.treatments],
            "applied_modifications": [{"category": name} for name in self.modifications],
            "organism": {"scientific_name": self.organism},
            "donor": {"accession": f"ENCDO{self.name}", "organism": {"scientific_name": self.organism}},
            **({} if self.phase is None else {"phase": self.phase}),
        }
        library = {
            "@id": f"/libraries/ENCLB{self.name}/",
            "accession": f"ENCLB{self.name}",
            "nucleic_acid_term_name": self.nucleic_acid,
            "depleted_in_term_name": list(self.depleted),
            "strand_specificity": self.strand_specificity,
            "biosample": biosample,
        }
        if self.subcellular_fraction is not None:
            library["subcellular_fraction_term_name"] = self.subcellular_fraction
            biosample["subcellular_fraction_term_name"] = self.subcellular_fraction
        return {
            "@id": path,
            "@type": ["Replicate", "Item"],
            "biological_replicate_number": self.biological,
            "technical_replicate_number": self.technical,
            "library": library,
        }


@dataclass(frozen=True)
class Analysis:
    """One run of a pipeline over an experiment."""

    accession: str = "ENCAN000AAA"
    pipeline_version: str = "1.2.1"
    rfa: str = "ENCODE4"
    assembly: str = "GRCh38"
    genome_annotation: str = "V29"
    date_created: str = "2021-03-04T10:00:00.000000+00:00"
    status: str = "released"
    files: tuple[str, ...] = ()

    def as_json(self, frame: Frame) -> Json | str:
        """Its path, or the object with the path in it."""
        path = f"/analyses/{self.accession}/"
        if frame is Frame.OBJECT:
            return path
        return {
            "@id": path,
            "@type": ["Analysis", "Item"],
            "accession": self.accession,
            "title": f"{self.rfa} v{self.pipeline_version} {self.assembly} {self.genome_annotation}",
            "pipeline_version": self.pipeline_version,
            "pipeline_award_rfas": [self.rfa],
            "assembly": self.assembly,
            "genome_annotation": self.genome_annotation,
            "date_created": self.date_created,
            "status": self.status,
            "files": [f"/files/{accession}/" for accession in self.files],
        }


@dataclass(frozen=True, kw_only=True)
class EncodeFile:
    """A file of the portal: its bytes, and what the portal says of them.

    Parameters
    ----------
    content
        What a download gives; MD5 and size follow from it, unless `extra` says something else.
    preferred_default, mapped_read_length
        Left out of the JSON where None, as the portal does. The portal gives the length to alignments only.
    extra, omit
        Fields to set to other values, and fields to leave out.
    """

    accession: str
    content: bytes = b""
    dataset: str = "ENCSR000AED"
    file_format: str = "bigWig"
    output_type: str = "plus strand signal of unique reads"
    assembly: str = "GRCh38"
    genome_annotation: str = "V29"
    status: str = "released"
    assay_title: str = "total RNA-seq"
    assay_term_name: str = "RNA-seq"
    biosample: Biosample = Biosample()
    biological_replicates: tuple[int, ...] = (1,)
    technical_replicates: tuple[str, ...] = ("1_1",)
    preferred_default: bool | None = None
    mapped_read_length: int | None = None
    analyses: tuple[Analysis, ...] = ()
    date_created: str = "2021-03-04T10:00:00.000000+00:00"
    audits: tuple[Audit, ...] = ()
    extra: Mapping[str, object] = field(default_factory=dict)
    omit: tuple[str, ...] = ()

    @property
    def path(self) -> str:
        """Its address on the portal."""
        return f"/files/{self.accession}/"

    @property
    def href(self) -> str:
        """Where a download starts."""
        return f"{self.path}@@download/{self.accession}{EXTENSIONS[self.file_format]}"

    @property
    def key(self) -> str:
        """Its name in the bucket that downloads are redirected to."""
        day = self.date_created[:10].replace("-", "/")
        return f"{day}/{uuid.uuid5(uuid.NAMESPACE_URL, self.accession)}/{self.accession}{EXTENSIONS[self.file_format]}"

    @property
    def stored(self) -> str:
        """Path on the test server at which a download ends."""
        return f"/{BUCKET}/{self.key}"

    def as_json(self, frame: Frame, cloud: str = CLOUD) -> Json:
        """The portal's document; `cloud` is the address of the bucket."""
        digest = hashlib.md5(self.content)
        document: Json = {
            "@id": self.path,
            "@type": ["File", "Item"],
            "accession": self.accession,
            "title": self.accession,
            "dataset": f"/experiments/{self.dataset}/",
            "file_format": self.file_format,
            "file_type": self.file_format,
            "output_type": self.output_type,
            "output_category": "signal" if "signal" in self.output_type else "annotation",
            "assembly": self.assembly,
            "genome_annotation": self.genome_annotation,
            "assay_title": self.assay_title,
            "assay_term_name": self.assay_term_name,
            "biosample_ontology": self.biosample.as_json(frame),
            "biological_replicates": list(self.biological_replicates),
            "technical_replicates": list(self.technical_replicates),
            "analyses": [analysis.as_json(frame) for analysis in self.analyses],
            "file_size": len(self.content),
            "md5sum": digest.hexdigest(),
            "href": self.href,
            "s3_uri": f"s3://{BUCKET}/{self.key}",
            "cloud_metadata": {
                "url": f"{cloud}/{self.key}",
                "md5sum_base64": base64.b64encode(digest.digest()).decode(),
            },
            "date_created": self.date_created,
            "status": self.status,
            "no_file_available": False,
        }
        if frame is Frame.EMBEDDED:
            document["audit"] = Audit.as_json([(audit, self.path) for audit in self.audits])
        for name in ("preferred_default", "mapped_read_length"):
            if getattr(self, name) is not None:
                document[name] = getattr(self, name)
        return {name: value for name, value in {**document, **self.extra}.items() if name not in self.omit}

    def as_embedded(self, cloud: str = CLOUD) -> Json:
        """What the page of its experiment holds of it: links as paths, but for its analyses."""
        document = self.as_json(Frame.OBJECT, cloud)
        if "analyses" in document:
            document["analyses"] = [analysis.as_json(Frame.EMBEDDED) for analysis in self.analyses]
        return document


@dataclass(frozen=True, kw_only=True)
class EncodeExperiment:
    """An experiment: its sample, its libraries, and what was computed from them."""

    accession: str
    assay_title: str = "total RNA-seq"
    assay_term_name: str = "RNA-seq"
    biosample: Biosample = Biosample()
    status: str = "released"
    perturbed: bool = False
    life_stage_age: str = "adult 53 years"
    date_created: str = "2012-06-12T10:00:00.000000+00:00"
    date_released: str = "2014-06-30"
    replicates: tuple[Replicate, ...] = (Replicate(),)
    analyses: tuple[Analysis, ...] = (Analysis(),)
    audits: tuple[Audit, ...] = ()
    extra: Mapping[str, object] = field(default_factory=dict)
    omit: tuple[str, ...] = ()

    @property
    def path(self) -> str:
        """Its address on the portal."""
        return f"/experiments/{self.accession}/"

    def file(self, accession: str, content: bytes = b"", **fields: object) -> EncodeFile:
        """Make a file of this experiment, which shares its assay, sample, replicates and analyses."""
        shared = {
            "dataset": self.accession,
            "assay_title": self.assay_title,
            "assay_term_name": self.assay_term_name,
            "biosample": self.biosample,
            "biological_replicates": tuple(sorted({replicate.biological for replicate in self.replicates})),
            "technical_replicates": tuple(f"{each.biological}_{each.technical}" for each in self.replicates),
            "analyses": self.analyses,
        }
        return EncodeFile(accession=accession, content=content, **{**shared, **fields})

    def as_json(self, frame: Frame, files: Sequence[EncodeFile] = (), cloud: str = CLOUD) -> Json:
        """The portal's document, with the experiment's files in it."""
        summary = f"{self.replicates[0].organism} {self.biosample.term_name}" if self.replicates else ""
        document: Json = {
            "@id": self.path,
            "@type": ["Experiment", "Dataset", "Item"],
            "accession": self.accession,
            "assay_title": self.assay_title,
            "assay_term_name": self.assay_term_name,
            "biosample_ontology": self.biosample.as_json(frame),
            "biosample_summary": summary,
            "simple_biosample_summary": "",
            "life_stage_age": self.life_stage_age,
            "perturbed": self.perturbed,
            "assembly": sorted({analysis.assembly for analysis in self.analyses}),
            "replicates": [replicate.as_json(frame) for replicate in self.replicates],
            "analyses": [analysis.as_json(frame) for analysis in self.analyses],
            "files": [file.path if frame is Frame.OBJECT else file.as_embedded(cloud) for file in files],
            "date_created": self.date_created,
            "date_released": self.date_released,
            "status": self.status,
        }
        if frame is Frame.EMBEDDED:
            owners = (self, *files)
            document["audit"] = Audit.as_json([(audit, owner.path) for owner in owners for audit in owner.audits])
        return {name: value for name, value in {**document, **self.extra}.items() if name not in self.omit}


@dataclass(frozen=True)
class EncodeLibrary:
    """What the portal holds, and its answers."""

    files: tuple[EncodeFile, ...] = ()
    experiments: tuple[EncodeExperiment, ...] = ()

    def bucket(self) -> dict[str, bytes]:
        """Content of every file by its path on the server that downloads are redirected to."""
        return {file.stored: file.content for file in self.files}

    def answer(self, path: str, query: str, accept: str, host: str) -> Reply:
        """Answer a request; `host` is the server's address, which stands for the portal and for the bucket."""
        cloud = f"{host}/{BUCKET}"
        if file := self._by_href.get(path):
            name = quote(f"attachment; filename={file.href.rpartition('/')[2]}")
            signed = f"{cloud}/{file.key}?response-content-disposition={name}&Expires=129600"
            return page(307, "", Location=signed)
        parameters = parse_qsl(query, keep_blank_values=True)
        if path == "/search/":
            status, document = self.search(parameters, f"{path}?{query}", cloud)
        else:
            status, document = self._item(path, dict(parameters).get("frame", Frame.EMBEDDED), cloud)
        if ("format", "json") in parameters or "application/json" in accept:
            return page(status, json.dumps(document), "application/json; charset=UTF-8")
        return page(status, f"<!DOCTYPE html><html><title>{document['title']}</title></html>")

    @cached_property
    def _by_href(self) -> dict[str, EncodeFile]:
        return {file.href: file for file in self.files}

    @cached_property
    def _made(self) -> dict[tuple[Frame, str], dict[str, Json]]:
        return {}

    def documents(self, frame: Frame, cloud: str = CLOUD) -> dict[str, Json]:
        """Every object in one frame by its path, the experiments first; made once."""
        if (frame, cloud) not in self._made:
            files: dict[str, list[EncodeFile]] = {}
            for file in self.files:
                files.setdefault(file.dataset, []).append(file)
            made = [each.as_json(frame, files.get(each.accession, ()), cloud) for each in self.experiments]
            made += [file.as_json(frame, cloud) for file in self.files]
            self._made[frame, cloud] = {str(document["@id"]): document for document in made}
        return self._made[frame, cloud]

    def search(self, parameters: Sequence[tuple[str, str]], address: str, cloud: str = CLOUD) -> tuple[int, Json]:
        """Status and document of a search.

        Values of one key are alternatives, and keys add up; `key!=value` excludes; `*` is any value; `gte:50`
        (also `gt`, `lt`, `lte`) compares; dots go into linked objects. The newest hit comes first.
        """
        given = dict(parameters)
        if unknown := NOT_IMPLEMENTED & given.keys():
            return error(400, "Bad Request", f"the test server does not implement {', '.join(sorted(unknown))}")
        limit = given.get("limit", str(PAGE_SIZE))
        frame = given.get("frame", "")
        if not (limit == "all" or limit.isdecimal()) or frame not in {"", *Frame}:
            return error(400, "Bad Request", f"limit={limit}, frame={frame}")
        filters: dict[str, list[str]] = {}
        for key, value in parameters:
            if key not in NOT_FILTERS:
                filters.setdefault({"type": "@type", "type!": "@type!"}.get(key, key), []).append(value)
        shown = self.documents(Frame.OBJECT if frame == "object" else Frame.EMBEDDED, cloud)
        matched = [
            (whole, shown[path])
            for path, whole in self.documents(Frame.EMBEDDED, cloud).items()
            if all(fits(whole, key, values) for key, values in filters.items())
        ]
        matched.sort(key=lambda pair: str(pair[0].get("date_created", "")), reverse=True)
        hits = [document for _, document in matched]
        if not frame:
            hits = [{name: value for name, value in hit.items() if name not in NOT_COLUMNS} for hit in hits]
        return (200 if hits else 404), {
            "@context": "/terms/",
            "@id": address,
            "@type": ["Search"],
            "title": "Search",
            "@graph": hits if limit == "all" else hits[: int(limit)],
            "total": len(hits),
            "notification": "Success" if hits else "No results found",
            "filters": [{"field": key, "term": value} for key, value in parameters if key not in NOT_FILTERS],
            "facets": [],
            "columns": {},
        }

    def _item(self, path: str, frame: str, cloud: str) -> tuple[int, Json]:
        if frame not in set(Frame):
            return error(400, "Bad Request", f"frame={frame}")
        if document := self.documents(Frame(frame), cloud).get(re.sub("/?$", "/", path, count=1)):
            return 200, {"@context": "/terms/", "title": document["accession"], **document}
        return error(404, "Not Found", path)


def error(status: int, title: str, detail: str) -> tuple[int, Json]:
    """Status and document of a request that failed."""
    kind = f"HTTP{title.replace(' ', '')}"
    return status, {
        "@type": [kind, "Error"],
        "status": "error",
        "code": status,
        "title": title,
        "description": "The resource could not be found." if status == 404 else title,
        "detail": detail,
    }


def values_at(document: object, dotted: str) -> list[object]:
    """All values at a dotted path; lists on the way are walked through.

    Examples
    --------
    >>> values_at({"libraries": [{"made": {"year": 1}}, {"made": {"year": [2, 3]}}]}, "libraries.made.year")
    [1, 2, 3]
    """
    if isinstance(document, list):
        return [value for entry in document for value in values_at(entry, dotted)]
    if not dotted:
        return [document]
    name, _, rest = dotted.partition(".")
    if not isinstance(document, dict) or name not in document:
        return []
    return values_at(document[name], rest)


def fits(document: Json, key: str, wanted: Sequence[str]) -> bool:
    """Whether a document passes one filter; a `key` that ends in `!` excludes."""
    found = values_at(document, key.removesuffix("!"))
    return any(_equals(value, text) for value in found for text in wanted) != key.endswith("!")


def _equals(value: object, text: str) -> bool:
    comparison, colon, bound = text.partition(":")
    if colon and comparison in COMPARISONS and isinstance(value, int | float):
        return COMPARISONS[comparison](value, float(bound))
    if colon and comparison in COMPARISONS:
        return COMPARISONS[comparison](str(value), bound)
    return text in ("*", json.dumps(value) if isinstance(value, bool) else str(value))
