# The report page and the provenance tables.

# Figures come first, because this file uses their lists.


include: "figures.smk"


rule locate_loci:
    input:
        sizes=out("reference/chrom.sizes"),
        genes=out("reference/genes.tsv.gz"),
    output:
        out("reference/loci.tsv"),
    log:
        out("logs/locate_loci.log"),
    priority: 10  # reports a wrong name before the long jobs start
    localrule: True
    conda:
        "../envs/genomics.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(10),
    params:
        loci=SETTINGS.loci_by_file,
        gene_types=SETTINGS.genes.types,
    script:
        "../workflow_scripts/locate_loci.py"


rule list_inputs:
    input:
        [inputs.path_of(RUN, file) for file in RUN.named_files],
        lambda wildcards: inputs.signals(RUN, used_samples(*RUN.cell_types)),
    output:
        report(
            out("provenance/inputs.tsv"),
            caption="../resources/captions/inputs.rst",
            category="6 Provenance",
            labels={"table": "input files and their checksums"},
        ),
    log:
        out("logs/list_inputs.log"),
    benchmark:
        out("benchmarks/list_inputs.tsv")
    localrule: True
    conda:
        "../envs/genomics.yaml"
    threads: 1
    resources:
        mem_mb=growing(500),
        runtime=growing(240),
    script:
        "../workflow_scripts/list_inputs.py"


rule write_report:
    input:
        bases=out("reference/bases.tsv"),
        all_genes=out("reference/genes.tsv.gz"),
        resolved=out("samples/resolved.tsv"),
        rejected=out("samples/rejected.tsv"),
        samples=out("qc/samples.tsv"),
        signal=out("qc/chromosomes.tsv"),
        correlation=[out(f"qc/correlation.{strand}.svg") for strand in RUN.strands],
        pca=[out(f"qc/pca.{strand}.svg") for strand in RUN.strands],
        statistics=[out(f"tracks/observed/{track}.json") for track in RUN.tracks],
        nonzero_means=[out("qc/nonzero_means.tsv")] if RUN.published_means else [],
        nonzero_mean_figure=[out("figures/nonzero_means.svg")] if RUN.published_means else [],
        base=out("evaluation/base_resolution.tsv"),
        genes=out("evaluation/gene_expression.tsv"),
        differences=out("evaluation/differential.tsv"),
        different_genes=out("evaluation/differential_genes.tsv"),
        bars=out("figures/scores.svg"),
        chromosomes=out("figures/by_chromosome.svg"),
        training=[out(f"figures/training/{model}.svg") for model in RUN.models],
        base_scatters=[out(f"figures/bases/{model}/{track}.svg") for model, track in RUN.model_tracks],
        gene_scatters=[out(f"figures/genes/{model}/{track}.svg") for model, track in RUN.model_tracks],
        levels=[out(f"figures/expression_levels/{model}/{track}.svg") for model, track in RUN.model_tracks],
        difference_scatters=[out(f"figures/differences/{pair}.svg") for pair in DIFFERENCES],
        seams=[out(f"figures/seams/{model}.svg") for model in RUN.models],
        loci=[out(f"figures/loci/{locus}.svg") for locus in SETTINGS.loci_by_file],
        variant_counts=[out(f"variants/{table}.counts.tsv") for table in EFFECT_TABLES],
        variant_strongest=[out(f"variants/{table}.strongest.tsv") for table in EFFECT_TABLES],
        variant_distributions=[out(f"figures/variants/{table}.svg") for table in EFFECT_TABLES],
        variant_tops=expand(out("variants/{model}/top.tsv"), model=TOP_MODELS),
        variant_loci=[figure for model in TOP_MODELS for figure in expand(TOP_FIGURES, model=model)],
        planted=[out("evaluation/planted_variants.tsv")] if RUN.planted else [],
        planted_figures=[out(f"figures/planted/{model}.svg") for model in RUN.models] if RUN.planted else [],
        logs=expand(out("models/{model}/training_log.tsv"), model=RUN.models),
        provenance=expand(out("models/{model}/provenance.json"), model=RUN.models),
        inputs=out("provenance/inputs.tsv"),
    output:
        page=report(
            out("report.html"),
            caption="../resources/captions/report.rst",
            category="1 Overview",
            labels={"figure": "the report page"},
        ),
        methods=report(
            out("methods.txt"),
            caption="../resources/captions/methods.rst",
            category="1 Overview",
            labels={"figure": "methods, as text"},
        ),
        software=report(
            out("provenance/software.tsv"),
            caption="../resources/captions/software.rst",
            category="6 Provenance",
            labels={"table": "commits and software versions"},
        ),
        benchmarks=report(
            out("provenance/benchmarks.tsv"),
            caption="../resources/captions/benchmarks.rst",
            category="6 Provenance",
            labels={"table": "run times and memory"},
        ),
    log:
        out("logs/write_report.log"),
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        page=digest_of_files(ROOT / "resources", "report*", "*.tsv", "captions/*.rst"),
        config=digest(SETTINGS.model_dump(mode="json"), CONFIG_FILES),
        cell_types=digest([vars(cell_type) for cell_type in RUN.cell_types.values()]),
        tracks=[(model, str(track)) for model, track in RUN.model_tracks],
        differences=list(DIFFERENCES),
        strands=names_of(RUN.strands),
        variants=VARIANT_SETS,
    script:
        "../workflow_scripts/write_report.py"


onsuccess:
    scores = [Path(out(f"evaluation/{table}.tsv")) for table in ("base_resolution", "gene_expression")]
    if all(path.is_file() for path in [Path(out("report.html")), *scores]):
        from rnatracks.report.headlines import headline
        from rnatracks.evaluation.tables import read_scores

        print("", *headline(*map(read_scores, scores)), f"Report: {out('report.html')}", sep="\n", file=sys.stderr)
