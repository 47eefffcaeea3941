"""recount3's tree of GTEx files: raw bigWigs and gzipped metadata tables."""

import gzip
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

ROOT = "/recount3"
GTEX = f"{ROOT}/human/data_sources/gtex"


@dataclass(frozen=True, kw_only=True)
class GtexSample:
    """One GTEx library; the last two characters of `external_id` number its alignment.

    Parameters
    ----------
    content
        Its bigWig: the sum of the reads over each base, not normalised.
    tissue, organ, detail
        recount3's project, and GTEx's SMTS and SMTSD: a project holds one organ, which may have several details.
    average_mapped_length
        Mapped bases of a fragment, both mates together.
    """

    external_id: str = "GTEX-1117F-0226-SM-5GZZ7.1"
    tissue: str = "BLOOD"
    organ: str = "Blood"
    detail: str = "Whole Blood"
    content: bytes = b""
    average_mapped_length: float = 150.4
    all_mapped_reads: int = 40_000_000
    all_reads_all_bases: int = 6_000_000_000
    rna_integrity: float = 7.2

    @property
    def path(self) -> str:
        """Address of the bigWig, below folders named by the ends of the tissue and of the library's name."""
        folder = f"{GTEX}/base_sums/{self.tissue[-2:]}/{self.tissue}/{self.external_id[-4:-2].upper()}"
        return f"{folder}/gtex.base_sums.{self.tissue}_{self.external_id}.ALL.bw"

    def tables(self, rail_id: int) -> dict[str, dict[str, object]]:
        """Its row in each metadata table, by the table's name."""
        keys = {"rail_id": rail_id, "external_id": self.external_id, "study": self.tissue}
        donor = "-".join(self.external_id.split("-")[:2])
        source = {"project": self.tissue, "organism": "human", "file_source": "gtex"}
        return {
            "gtex": {**keys, "SUBJID": donor, "SMRIN": self.rna_integrity, "SMTS": self.organ, "SMTSD": self.detail},
            "recount_project": {**keys, **source, "metadata_source": "gtex", "date_processed": "2019-10-01"},
            "recount_qc": {
                **keys,
                "aligned_reads%.chrm": 5.31,
                "bc_auc.all_reads_all_bases": self.all_reads_all_bases,
                "star.all_mapped_reads": self.all_mapped_reads,
                "star.average_mapped_length": self.average_mapped_length,
            },
        }


def metadata_path(table: str, tissue: str) -> str:
    """Address of one table of one tissue: `gtex`, `recount_project` or `recount_qc`."""
    return f"{GTEX}/metadata/{tissue[-2:]}/{tissue}/gtex.{table}.{tissue}.MD.gz"


def recount3_files(samples: Iterable[GtexSample]) -> dict[str, bytes]:
    """All files of the tree that hold these samples, by their address."""
    files: dict[str, bytes] = {f"{ROOT}/human/homes_index": b"data_sources/gtex\n"}
    tissues: dict[str, dict[str, list[Mapping[str, object]]]] = {}
    projects: list[Mapping[str, object]] = []
    for rail_id, sample in enumerate(samples, start=1):
        files[sample.path] = sample.content
        rows = sample.tables(rail_id)
        projects.append(rows["recount_project"])
        for table, row in rows.items():
            tissues.setdefault(sample.tissue, {}).setdefault(table, []).append(row)
    for tissue, tables in tissues.items():
        files |= {metadata_path(table, tissue): gzipped_table(rows) for table, rows in tables.items()}
    if projects:
        files[f"{GTEX}/metadata/gtex.recount_project.MD.gz"] = gzipped_table(projects)
    return files


def gzipped_table(rows: Sequence[Mapping[str, object]]) -> bytes:
    """Tab-separated rows below their header, gzipped."""
    lines = [rows[0].keys(), *(row.values() for row in rows)]
    return gzip.compress("".join("\t".join(map(str, line)) + "\n" for line in lines).encode(), mtime=0)
