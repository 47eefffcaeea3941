# Browsing the tracks: a page of selected regions, and the whole genome for the UCSC browser and IGV.

from collections import Counter

# Number of panels per cell type, observed and predicted; the page shows the first cell types of the sheet.
IN_BROWSER = inputs.first_cell_types(
    Counter(each.cell_type for each in [*RUN.tracks, *(each for _, each in RUN.model_tracks)])
)
BROWSER_TRACKS = [track for name in IN_BROWSER for track in RUN.tracks_of[name]]
BROWSER_MODEL_TRACKS = [(model, track) for model, track in RUN.model_tracks if track.cell_type in IN_BROWSER]
BROWSER_TOP_MODELS = [name for name in TOP_MODELS if name in dict(BROWSER_MODEL_TRACKS)]


rule write_browser:
    input:
        loci=out("reference/loci.tsv"),
        sizes=out("reference/chrom.sizes"),
        genes=out("reference/genes.tsv.gz"),
        exons=out("reference/exons.bed.gz"),
        observed=[out(f"tracks/observed/{track}.bw") for track in BROWSER_TRACKS],
        predicted=[out(f"tracks/predicted/{model}/{track}.bw") for model, track in BROWSER_MODEL_TRACKS],
        observed_genes=out("genes/observed.tsv.gz"),
        predicted_genes=expand(out("genes/predicted/{model}.tsv.gz"), model=RUN.models),
        variants=expand(out("variants/{model}/top.tsv"), model=BROWSER_TOP_MODELS),
        alternatives=expand(out("variants/{model}/top"), model=BROWSER_TOP_MODELS),
    output:
        report(
            out("browser.html"),
            caption="../resources/captions/browser.rst",
            category="5 Loci",
            labels={"locus": "browser page"},
        ),
    log:
        out("logs/write_browser.log"),
    benchmark:
        out("benchmarks/write_browser.tsv")
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        page=digest_of_files(ROOT / "resources", "browser*"),
        loci=digest(SETTINGS.loci_by_file),
        observed=names_of(BROWSER_TRACKS),
        predicted=[(model, str(track)) for model, track in BROWSER_MODEL_TRACKS],
        left_out=[name for name in RUN.cell_types if name not in IN_BROWSER],
        models=list(RUN.models),
        variant_models=BROWSER_TOP_MODELS,
        splits=digest(SETTINGS.splits),
        gene_types=digest(SETTINGS.genes.types),
        pseudocount=SETTINGS.genes.pseudocount,
        number=SETTINGS.browser.genes,
    script:
        "../workflow_scripts/write_browser.py"


rule write_session:
    input:
        out("reference/loci.tsv"),
    output:
        out("tracks/igv_session.xml"),
    log:
        out("logs/write_session.log"),
    benchmark:
        out("benchmarks/write_session.tsv")
    localrule: True
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(10),
    params:
        assembly=SETTINGS.genome.assembly,
        signals=[(model, str(track)) for model, track in RUN.signals],
        loci=SETTINGS.loci_by_file,
    script:
        "../workflow_scripts/write_session.py"


if SETTINGS.genome.assembly:

    rule write_hub:
        output:
            out("tracks/hub/hub.txt"),
            out("tracks/hub/genomes.txt"),
            out(f"tracks/hub/{SETTINGS.genome.assembly}/trackDb.txt"),
        log:
            out("logs/write_hub.log"),
        benchmark:
            out("benchmarks/write_hub.tsv")
        localrule: True
        conda:
            "../envs/report.yaml"
        threads: 1
        resources:
            mem_mb=growing(1000),
            runtime=growing(10),
        params:
            assembly=SETTINGS.genome.assembly,
            signals=[(model, str(track)) for model, track in RUN.signals],
        script:
            "../workflow_scripts/write_hub.py"
