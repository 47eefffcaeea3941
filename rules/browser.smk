# For people to look: a page of some regions, and the whole genome for UCSC's browser and IGV.

# Panels of each cell type, observed and predicted; the page holds the first cell types of the sheet.
PANELS = Counter(track.cell_type for track in [*TRACKS, *(track for _, track in MODEL_TRACKS)])
SHOWN = first_cell_types(PANELS)
SHOWN_TRACKS = [track for name in SHOWN for track in TRACKS_OF[name]]
SHOWN_MODEL_TRACKS = [(model, track) for model, track in MODEL_TRACKS if track.cell_type in SHOWN]
# Each track's predictions stand below what was observed; a model's name is empty where none is meant.
ORDER = {track: place for place, track in enumerate(TRACKS)}
SIGNALS = [
    (model, str(track))
    for model, track in sorted([*(("", track) for track in TRACKS), *MODEL_TRACKS], key=lambda signal: ORDER[signal[1]])
]


rule write_browser:
    input:
        loci=out("reference/loci.tsv"),
        sizes=out("reference/chrom.sizes"),
        genes=out("reference/genes.tsv.gz"),
        exons=out("reference/exons.bed.gz"),
        observed=[out(f"tracks/observed/{track}.bw") for track in SHOWN_TRACKS],
        predicted=[out(f"tracks/predicted/{model}/{track}.bw") for model, track in SHOWN_MODEL_TRACKS],
        observed_genes=out("genes/observed.tsv.gz"),
        predicted_genes=expand(out("genes/predicted/{model}.tsv.gz"), model=MODELS),
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
        page=contents_of("browser*"),
        loci=digest(LOCI),
        observed=[str(track) for track in SHOWN_TRACKS],
        predicted=[(model, str(track)) for model, track in SHOWN_MODEL_TRACKS],
        left_out=[name for name in CELL_TYPES if name not in SHOWN],
        models=list(MODELS),
        splits=digest(SPLITS),
        gene_types=digest(CONFIG["genes"]["types"]),
        pseudocount=CONFIG["genes"]["pseudocount"],
        number=CONFIG["browser"]["genes"],
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
        assembly=CONFIG["genome"]["assembly"],
        signals=SIGNALS,
        loci=LOCI,
    script:
        "../workflow_scripts/write_session.py"


if CONFIG["genome"]["assembly"]:

    rule write_hub:
        output:
            out("tracks/hub/hub.txt"),
            out("tracks/hub/genomes.txt"),
            out(f"tracks/hub/{CONFIG['genome']['assembly']}/trackDb.txt"),
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
            assembly=CONFIG["genome"]["assembly"],
            signals=SIGNALS,
        script:
            "../workflow_scripts/write_hub.py"
