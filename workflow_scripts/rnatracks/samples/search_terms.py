"""What a search for samples needs and what it returns, for any collection."""

import itertools
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from ..config.data import SourceSettings
from ..downloads.web import Web
from ..errors import InputError
from .sample import CellType, Rejected, Sample

LISTED = "listed in the sample sheet"


@dataclass(frozen=True)
class Resolution:
    """Samples of a cell type, rejected files, and the number of samples that the publication used, if known."""

    samples: tuple[Sample, ...]
    rejected: tuple[Rejected, ...]
    published: int | None = None

    @property
    def summary(self) -> str:
        """The numbers in words, for a log or a report."""
        beside = "" if self.published is None else f"; the publication used {self.published}"
        return f"{_count(self.samples, 'sample')} {self._donors}, {_count(self.rejected, 'file')} rejected{beside}"

    @property
    def _donors(self) -> str:
        """How many donors the samples come from; several samples of one donor each count in full."""
        named = [sample.provenance.donor for sample in self.samples if sample.provenance.donor]
        donors = {donor for names in named for donor in names.split(",")}
        unknown = len(self.samples) - len(named)
        if not donors:
            return "from unknown donors"
        return f"from {_count(donors, 'donor')}" + (f" and {unknown} from unknown donors" if unknown else "")


def _count(things: Collection[object], name: str) -> str:
    return f"{len(things)} {name}{'' if len(things) == 1 else 's'}"


@dataclass(frozen=True)
class Desk:
    """Searches a collection for one cell type.

    `today` is the date noted for each sample, `names` are the names of all listed samples, and `excluded` those of
    samples that are not used.
    """

    web: Web
    cell_type: CellType
    sources: SourceSettings
    today: date
    names: Collection[str]
    excluded: Collection[str]

    def check_number(self, samples: int, where: str, url: str, advice: str) -> None:
        """Check that a query does not give more samples than the user allows."""
        if samples > self.sources.max_samples:
            raise InputError(
                where,
                f"{samples} samples at {url}",
                f"at most {self.sources.max_samples}: {advice}, or raise sources.max_samples",
            )

    def free_name(self, accession: str) -> str:
        """The accession, with a number added if a listed sample already has that name."""
        names = itertools.chain([accession], (f"{accession}.{number}" for number in itertools.count(2)))
        return next(name for name in names if name not in self.names)
