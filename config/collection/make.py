"""Write the sheets of the published collection: 667 tracks as cell types with searches, and their published means.

    python config/collection/make.py TRACKS

TRACKS is a tab-separated table with one row per published track: `name`, `strand`, `source` (encode or gtex), `assay`,
`ontology`, `biosample`, `biosample_type`, `life_stage`, `gtex_tissue`, `endedness`, `nonzero_mean`. These are facts
from AlphaGenome's published metadata. Writes `cell_types.tsv` and `nonzero_means.tsv` next to this script.

A cell type is one assay of one biosample, stranded or unstranded: 271 pairs and 71 unstranded tracks of ENCODE, and 54
GTEx tissues. Ontology term, assay and strandedness tell the ENCODE ones apart. The other filters keep other biosamples
of the term, life stages and read layouts out of the mean.
"""

import argparse
import csv
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from urllib.parse import quote

HERE = Path(__file__).parent
HEADER = '# Written by make.py: see "The published collection" in docs/data-sources.md.\n'
ASSAYS = {"total RNA-seq": "total", "polyA plus RNA-seq": "polyA"}
RUN_TYPES = {"paired": "paired-ended", "single": "single-ended"}
# recount3's project of a tissue: GTEx's SMTS in capitals. Tissues that are not listed are their own project.
PROJECTS = {
    "Adipose": "ADIPOSE_TISSUE",
    "Artery": "BLOOD_VESSEL",
    "Cells_Cultured_fibroblasts": "SKIN",
    "Cells_EBV-transformed_lymphocytes": "BLOOD",
    "Cervix": "CERVIX_UTERI",
    "Minor_Salivary_Gland": "SALIVARY_GLAND",
    "Whole_Blood": "BLOOD",
    **{name: name.upper() for name in ("Brain", "Breast", "Colon", "Esophagus", "Heart", "Kidney", "Muscle", "Nerve")},
    **{name: name.upper() for name in ("Skin", "Small_Intestine")},
}
# GTEx's SMTSD, of which the published names lack the punctuation.
DETAILS = {
    "Adipose_Visceral_Omentum": "Adipose - Visceral (Omentum)",
    "Brain_Anterior_cingulate_cortex_BA24": "Brain - Anterior cingulate cortex (BA24)",
    "Brain_Caudate_basal_ganglia": "Brain - Caudate (basal ganglia)",
    "Brain_Frontal_Cortex_BA9": "Brain - Frontal Cortex (BA9)",
    "Brain_Nucleus_accumbens_basal_ganglia": "Brain - Nucleus accumbens (basal ganglia)",
    "Brain_Putamen_basal_ganglia": "Brain - Putamen (basal ganglia)",
    "Brain_Spinal_cord_cervical_c-1": "Brain - Spinal cord (cervical c-1)",
    "Skin_Not_Sun_Exposed_Suprapubic": "Skin - Not Sun Exposed (Suprapubic)",
    "Skin_Sun_Exposed_Lower_leg": "Skin - Sun Exposed (Lower leg)",
    "Small_Intestine_Terminal_Ileum": "Small Intestine - Terminal Ileum",
    **{name: name.replace("_", " ") for name in ("Adrenal_Gland", "Fallopian_Tube", "Minor_Salivary_Gland")},
    "Whole_Blood": "Whole Blood",
}

Track = Mapping[str, str]


def cell_type(track: Track) -> str:
    """Name of a track's cell type, such as `adrenal_gland_polyA_unstranded` or `GTEx_Brain_Cortex`."""
    if track["source"] == "gtex":
        return f"GTEx_{_safe(track['gtex_tissue'])}"
    unstranded = "_unstranded" if track["strand"] == "unstranded" else ""
    return f"{_safe(_biosample(track))}_{ASSAYS[track['assay']]}{unstranded}"


def encode_query(track: Track) -> str:
    """Filters of the search for the track's files, and of their experiments."""
    filters = [
        ("assay_title", track["assay"]),
        ("biosample_ontology.term_id", track["ontology"]),
        ("biosample_ontology.classification", track["biosample_type"].replace("_", " ")),
        *(("replicates.library.biosample.life_stage", stage) for stage in track["life_stage"].split(",")),
        ("files.run_type", RUN_TYPES[track["endedness"]]),
    ]
    return "&".join(f"{key}={quote(value, safe=' :')}" for key, value in filters)


def gtex_tissue(track: Track) -> str:
    """recount3's project and GTEx's name of the tissue (SMTSD), such as `BRAIN:Brain - Cortex`."""
    name = track["gtex_tissue"]
    project = next((PROJECTS[start] for start in PROJECTS if name.startswith(start)), name.upper())
    return f"{project}:{DETAILS.get(name) or name.replace('_', ' - ', 1).replace('_', ' ')}"


def row(track: Track) -> dict[str, str]:
    """The row of a track's cell type; both strands give the same."""
    encode = track["source"] == "encode"
    kind, stage = track["biosample_type"].replace("_", " "), track["life_stage"].replace(",", " or ")
    return {
        "cell_type": cell_type(track),
        "ontology": track["ontology"],
        "description": f"{_biosample(track)} ({kind}, {stage}), {track['assay']}, {track['endedness']}-end",
        "encode_query": encode_query(track) if encode else "",
        "gtex_tissue": "" if encode else gtex_tissue(track),
        "stranded": "no" if track["strand"] == "unstranded" else "yes",
    }


def write(path: Path, rows: Iterable[Mapping[str, str]]) -> None:
    """Write rows below a comment and their columns."""
    rows = list(rows)
    with path.open("w", encoding="utf-8") as target:
        target.write(HEADER)
        writer = csv.DictWriter(target, rows[0], delimiter="\t", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def main() -> None:
    """Read the table named on the command line and write both sheets."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("tracks", type=Path)
    parser.add_argument("--folder", type=Path, default=HERE, help="folder to write to (default: that of this script)")
    arguments = parser.parse_args()
    with arguments.tracks.open(encoding="utf-8", newline="") as source:
        # ENCODE, then GTEx; the cell types of each by name. The strands of a pair stay in the order of the file.
        tracks = sorted(csv.DictReader(source, delimiter="\t"), key=lambda t: (t["source"], cell_type(t).lower()))
    rows: dict[str, dict[str, str]] = {}
    for track in tracks:
        made = row(track)
        if rows.setdefault(made["cell_type"], made) != made:
            raise SystemExit(f"{arguments.tracks}, {track['name']}: found two descriptions; expected one per cell type")
    write(arguments.folder / "cell_types.tsv", rows.values())
    means = ({"track": f"{cell_type(t)}.{t['strand']}", "nonzero_mean": t["nonzero_mean"]} for t in tracks)
    write(arguments.folder / "nonzero_means.tsv", means)


def _biosample(track: Track) -> str:
    return track["biosample"].replace("\\'", "'")


def _safe(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "_", text.replace("'", "")).strip("_")


if __name__ == "__main__":
    main()
