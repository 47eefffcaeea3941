# Figures and the report.

REPORT_CAPTIONS = ["gene_scatter", "locus", "score_bars", "training_curve"]


rule plot_training:
    input:
        out("models/{model}/training_log.tsv"),
    output:
        report(
            out("figures/training/{model}.svg"),
            caption="../resources/captions/training_curve.rst",
            category="Training",
            labels={"model": "{model}"},
        ),
    log:
        out("logs/plot_training/{model}.log"),
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    script:
        "../workflow_scripts/plot_training.py"


rule plot_genes:
    input:
        genes=out("reference/genes.tsv.gz"),
        observed=out("genes/parts/observed/{cell_type}.{strand}.tsv.gz"),
        predicted=out("genes/parts/predicted/{model}/{cell_type}.{strand}.tsv.gz"),
    output:
        report(
            out("figures/genes/{model}/{cell_type}.{strand}.svg"),
            caption="../resources/captions/gene_scatter.rst",
            category="Scores",
            labels={"model": "{model}", "track": "{cell_type} {strand}"},
        ),
    log:
        out("logs/plot_genes/{model}/{cell_type}.{strand}.log"),
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        splits=SPLITS,
        gene_types=CONFIG["genes"]["types"],
    script:
        "../workflow_scripts/plot_genes.py"


rule locate_loci:
    input:
        sizes=out("reference/chrom.sizes"),
        genes=out("reference/genes.tsv.gz"),
    output:
        out("reference/loci.tsv"),
    log:
        out("logs/locate_loci.log"),
    priority: 10  # tells a wrong name before the long jobs start
    conda:
        "../envs/genomics.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        loci=LOCI,
        gene_types=CONFIG["genes"]["types"],
    script:
        "../workflow_scripts/locate_loci.py"


rule plot_locus:
    input:
        loci=out("reference/loci.tsv"),
        genes=out("reference/genes.tsv.gz"),
        exons=out("reference/exons.bed.gz"),
        observed=[out(f"tracks/observed/{track}.bw") for track in TRACKS],
        predicted=[out(f"tracks/predicted/{model}/{track}.bw") for model, track in MODEL_TRACKS],
    output:
        report(
            out("figures/loci/{locus}.svg"),
            caption="../resources/captions/locus.rst",
            category="Loci",
            labels={"locus": "{locus}"},
        ),
    log:
        out("logs/plot_locus/{locus}.log"),
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        tracks=[str(track) for track in TRACKS],
        models=[(model, str(track)) for model, track in MODEL_TRACKS],
    script:
        "../workflow_scripts/plot_locus.py"


rule write_report:
    input:
        resolved=out("samples/resolved.tsv"),
        rejected=out("samples/rejected.tsv"),
        samples=out("qc/samples.tsv"),
        statistics=[out(f"tracks/observed/{track}.json") for track in TRACKS],
        base=out("evaluation/base_resolution.tsv"),
        genes=out("evaluation/gene_expression.tsv"),
        differences=out("evaluation/differential.tsv"),
        training=[out(f"figures/training/{model}.svg") for model in MODELS],
        scatters=[out(f"figures/genes/{model}/{track}.svg") for model, track in MODEL_TRACKS],
        loci=[out(f"figures/loci/{locus}.svg") for locus in LOCI],
        template=f"{workflow.basedir}/resources/report.html.j2",
        captions=expand(f"{workflow.basedir}/resources/captions/{{name}}.rst", name=REPORT_CAPTIONS),
        provenance=expand(out("models/{model}/provenance.json"), model=MODELS),
        references=[path_of(file) for file in REFERENCES.values()],
        signals=lambda wildcards: [
            signal_path(sample, strand)
            for cell_type in CELL_TYPES
            for sample in samples_of(cell_type)
            for strand in sample.files
        ],
    output:
        report(
            out("report.html"),
            caption="../resources/captions/report.rst",
            category="Overview",
            labels={"page": "Report"},
        ),
    log:
        out("logs/write_report.log"),
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        config=CONFIG,
        config_files=CONFIG_FILES,
        cell_types=[asdict(cell_type) for cell_type in CELL_TYPES.values()],
        models={name: asdict(model) for name, model in MODELS.items()},
        scatter_titles=[f"{model}, {track}" for model, track in MODEL_TRACKS],
        loci=LOCI,
        benchmarks=out("benchmarks"),
    script:
        "../workflow_scripts/write_report.py"


onsuccess:
    if Path(out("report.html")).is_file():
        from rnatracks.metrics import read_scores
        from rnatracks.report import headline

        tables = [read_scores(Path(out(f"evaluation/{table}.tsv"))) for table in SCORE_TABLES[:2]]
        print("", *headline(*tables), f"Report: {out('report.html')}", sep="\n", file=sys.stderr)
