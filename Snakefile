# Single-base RNA-seq coverage from DNA: from sample sheets to a report.
from snakemake.utils import min_version

min_version("9.0")


# A config file on the command line replaces the default one; the two are not merged.
if not workflow.config_settings.configfiles:

    configfile: "config/config.yaml"


report: "resources/captions/workflow.rst"


include: "rules/common.smk"


rule all:
    input:
        out("report.html"),
        out("samples/resolved.tsv"),
        out("windows/windows.bed.gz"),
        [out(f"tracks/observed/{track}.bw") for track in RUN.tracks],
        [out(f"tracks/predicted/{model}/{track}.bw") for model, track in RUN.model_tracks],
        out("genes/observed.tsv.gz"),
        [out(f"genes/predicted/{model}.tsv.gz") for model in RUN.models],
        out("genes/observed.h5ad"),
        [out(f"genes/predicted/{model}.h5ad") for model in RUN.models],
        [out(f"evaluation/{table}.tsv") for table in ("base_resolution", "gene_expression", "differential")],
        expand(
            out("variants/{model}/{name}.{end}"), model=RUN.models, name=RUN.variants, end=["tsv.gz", "vcf.gz", "h5ad"]
        ),
        [out("evaluation/planted_variants.tsv")] if RUN.planted else [],
        [out(f"figures/planted/{model}.svg") for model in RUN.models if RUN.planted],
        out("browser.html"),
        out("tracks/igv_session.xml"),
        [out("tracks/hub/hub.txt")] if SETTINGS.genome.assembly else [],
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
include: "rules/variants.smk"
include: "rules/variant_figures.smk"
include: "rules/browser.smk"
include: "rules/report.smk"
