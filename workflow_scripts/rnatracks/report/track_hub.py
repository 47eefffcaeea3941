"""The whole run for genome browsers: a track hub for UCSC, and a session for IGV.

Both lie beside the bigWigs and name them by relative paths, so that the folder of the tracks can be moved or served.
Their formats: the UCSC guide to track hubs and its trackDb document, and session files of IGV desktop, version 8.
"""

import re
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from pathlib import Path

from ..figures.colours import SIGNAL_COLOURS, SignalKind
from ..files import write_text
from ..genome.loci import Region
from ..vocabulary import Strand, Track

HubTrack = tuple[str, Track]  # a model and its track; the model is empty where the track is observed
CONTACT = "nobody@example.org"  # a hub must name one; whoever publishes it writes their own


def write_hub(target: Path, assembly: str, signals: Sequence[HubTrack]) -> None:
    """Write `hub.txt`, `genomes.txt` and `{assembly}/trackDb.txt` into a folder beside `observed` and `predicted`.

    Parameters
    ----------
    target
        The file `hub.txt`, in `tracks/hub`. It is written last.
    assembly
        UCSC's name of the genome, such as `hg38`.
    signals
        The tracks in their order; those of one cell type form one composite track, whose heights share their scale.
        Minus strands are drawn downwards.
    """
    hub = {
        "hub": "rnatracks",
        "shortLabel": "RNA-seq tracks",
        "longLabel": "Observed RNA-seq coverage, and coverage predicted from DNA",
        "genomesFile": "genomes.txt",
        "email": CONTACT,
    }
    write_text(target.parent / assembly / "trackDb.txt", "\n".join(_composites(signals)))
    write_text(target.parent / "genomes.txt", _stanza({"genome": assembly, "trackDb": f"{assembly}/trackDb.txt"}))
    write_text(target, _stanza(hub))


def write_session(target: Path, genome: str, signals: Sequence[HubTrack], loci: Mapping[str, Region]) -> None:
    """Write an IGV session that opens at the first locus and lists all as regions of interest.

    Parameters
    ----------
    target
        The session, beside the folders `observed` and `predicted`.
    genome
        IGV's name of the genome, such as `hg38`; or a FASTA file, as a path relative to the session, beside which the
        annotation `annotation.gtf.gz` is shown.
    signals
        The tracks in their order; those of one cell type share their scale.
    loci
        Regions by what the list should call them.
    """
    first = next(iter(loci.values()), None)
    where = f"{first.chrom}:{first.start + 1}-{first.end}" if first else "All"
    session = ET.Element("Session", genome=genome, locus=where, version="8")
    resources = ET.SubElement(session, "Resources")
    panel = ET.SubElement(session, "Panel", name="DataPanel")
    groups = {name: str(number) for number, name in enumerate(dict.fromkeys(track.cell_type for _, track in signals))}
    for model, track in signals:
        path = _bigwig(model, track)
        ET.SubElement(resources, "Resource", path=path, type="bw")
        ET.SubElement(
            panel,
            "Track",
            clazz="org.broad.igv.track.DataSourceTrack",
            id=path,
            name=_title(model, track),
            color=_colour(model, track),
            autoScale="false",
            autoscaleGroup=groups[track.cell_type],
            height="50",
            renderer="BAR_CHART",
            windowFunction="max",
            visible="true",
        )
    if "/" in genome:
        annotation = f"{Path(genome).parent}/annotation.gtf.gz"
        ET.SubElement(resources, "Resource", path=annotation, type="gtf")
    regions = ET.SubElement(session, "Regions")
    for name, region in loci.items():
        place = {"chromosome": region.chrom, "start": str(region.start), "end": str(region.end), "description": name}
        ET.SubElement(regions, "Region", place)
    ET.indent(session)
    write_text(target, ET.tostring(session, encoding="utf-8", xml_declaration=True).decode() + "\n")


def _composites(signals: Sequence[HubTrack]) -> list[str]:
    """Stanzas of each cell type: its composite track, then its tracks, indented as its children."""
    models = {
        model: f"m{number}" for number, model in enumerate(dict.fromkeys(model for model, _ in signals if model), 1)
    }
    stanzas = []
    for number, cell_type in enumerate(dict.fromkeys(track.cell_type for _, track in signals), 1):
        children = [signal for signal in signals if signal[1].cell_type == cell_type]
        parent = _track_name(f"c{number}_{cell_type}")
        kinds = dict.fromkeys(model for model, _ in children)
        strands = dict.fromkeys(track.strand for _, track in children)
        composite = {
            "track": parent,
            "compositeTrack": "on",
            "type": "bigWig",
            "shortLabel": cell_type[:17],
            "longLabel": f"{cell_type}: observed and predicted RNA-seq coverage"[:80],
            "subGroup1": "kind Signal "
            + " ".join(f"{models.get(model, 'observed')}={_kind(model)}" for model in kinds),
            "subGroup2": "strand Strand " + " ".join(f"{strand}={strand}" for strand in strands),
            "dimensions": "dimX=strand dimY=kind",
            "priority": str(number),
            "visibility": "full",
            "autoScale": "group",
            "alwaysZero": "on",
            "maxHeightPixels": "128:40:8",
            "windowingFunction": "maximum",
        }
        stanzas.append(_stanza(composite))
        for place, (model, track) in enumerate(children, 1):
            kind = models.get(model, "observed")
            child = {
                "track": _track_name(f"c{number}_{cell_type}_{track.strand}_{kind}"),
                "parent": f"{parent} on",
                "subGroups": f"kind={kind} strand={track.strand}",
                "type": "bigWig",
                "shortLabel": f"{track.strand.symbol} {'pred' if model else 'obs'} {cell_type}"[:17],
                "longLabel": _title(model, track)[:80],
                "bigDataUrl": f"../../{_bigwig(model, track)}",
                "color": _colour(model, track),
                "priority": str(place),
            }
            stanzas.append(_stanza(child | ({"negateValues": "on"} if track.strand is Strand.MINUS else {}), "    "))
    return stanzas


def _stanza(settings: Mapping[str, str], indent: str = "") -> str:
    return "".join(f"{indent}{key} {value}\n" for key, value in settings.items())


def _track_name(text: str) -> str:
    """Letters, digits and underscores are all that UCSC allows; the number in front keeps names apart."""
    return re.sub(r"[^A-Za-z0-9_]", "_", text)


def _kind(model: str) -> str:
    return f"predicted_by_{model}" if model else "observed"


def _title(model: str, track: Track) -> str:
    return f"{track.cell_type} {track.strand}, {_kind(model).replace('_', ' ', 2)}"


def _bigwig(model: str, track: Track) -> str:
    return f"predicted/{model}/{track}.bw" if model else f"observed/{track}.bw"


def _colour(model: str, track: Track) -> str:
    colour = SIGNAL_COLOURS[SignalKind.PREDICTED if model else SignalKind.OBSERVED, track.strand]
    return ",".join(str(int(colour[place : place + 2], 16)) for place in (1, 3, 5))
