"""Files and experiments of ENCODE that nothing speaks against, to change one thing in."""

from rnatracks.samples.encode_answers import Audit, Experiment, File

PLUS, MINUS = (f"{strand} strand signal of unique reads" for strand in ("plus", "minus"))


def file(accession: str, output_type: str = PLUS, **fields: object) -> File:
    """A file that nothing speaks against."""
    defaults = {
        "dataset": "/experiments/ENCSR000AED/",
        "href": f"/files/{accession}/@@download/{accession}.bigWig",
        "file_format": "bigWig",
        "assembly": "GRCh38",
        "status": "released",
        "md5": "0" * 32,
        "size": 10,
        "replicates": (1,),
        "technical_replicates": ("1_1",),
        "analyses": ("/analyses/ENCAN000AAA/",),
        "annotation": "V29",
        "date": "2021-03-04T10:00:00",
        "preferred": False,
        "read_length": 100,
        "audit": Audit.NONE,
        "restricted": False,
        "no_file_available": False,
        "stored": True,
    }
    return File(accession=accession, output_type=output_type, **(defaults | fields))


def pair(letter: str, reads: str = "unique", **fields: object) -> list[File]:
    """Both strands of a signal, ENCFF000xAP and ENCFF000xAM."""
    return [
        file(f"ENCFF000{letter}A{s[0].upper()}", f"{s} strand signal of {reads} reads", **fields)
        for s in ("plus", "minus")
    ]


def experiment(accession: str = "ENCSR000AED", **fields: object) -> Experiment:
    defaults = {
        "status": "released",
        "perturbed": False,
        "interventions": (),
        "fractions": (),
        "donors": {1: ("ENCDO000AAA",), 2: ("ENCDO000AAB",)},
        "audit": Audit.NONE,
        "file_audits": {},
        "alignments": (),
    }
    return Experiment(accession=accession, **(defaults | fields))
