# Single-base RNA-seq coverage from DNA: from sample sheets to a report.
from snakemake.utils import min_version

min_version("9.0")


# A config file on the command line replaces the default one: nothing of it is mixed in.
if not workflow.config_settings.configfiles:

    configfile: "config/config.yaml"


report: "resources/captions/workflow.rst"


include: "rules/common.smk"


rule all:
    input:
        out("report.html"),
        out("samples/resolved.tsv"),
        out("windows/windows.bed.gz"),
        [out(f"tracks/observed/{track}.bw") for track in TRACKS],
        [out(f"tracks/predicted/{model}/{track}.bw") for model, track in MODEL_TRACKS],
        out("genes/observed.tsv.gz"),
        [out(f"genes/predicted/{model}.tsv.gz") for model in MODELS],
        out("genes/observed.h5ad"),
        [out(f"genes/predicted/{model}.h5ad") for model in MODELS],
        [out(f"evaluation/{table}.tsv") for table in SCORE_TABLES],
        out("browser.html"),
        out("tracks/igv_session.xml"),
        [out("tracks/hub/hub.txt")] if CONFIG["genome"]["assembly"] else [],
    localrule: True


# What needs a network: files and weights. Everything else runs without one, once conda has made the environments.
rule fetch:
    input:
        files_to_fetch,
        [out(f"weights/{weights}.json") for weights in HUB_MODELS],
    localrule: True


include: "rules/simulation.smk"
include: "rules/downloads.smk"
include: "rules/reference.smk"
include: "rules/samples.smk"
include: "rules/tracks.smk"
include: "rules/windows.smk"
include: "rules/training.smk"
include: "rules/prediction.smk"
include: "rules/genes.smk"
include: "rules/evaluation.smk"
include: "rules/browser.smk"
include: "rules/report.smk"
