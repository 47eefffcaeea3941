# Samples: which files they are, fetched, read through and checked.


checkpoint resolve_samples:
    output:
        samples=out("samples/resolved/{cell_type}.tsv"),
        rejected=out("samples/rejected/{cell_type}.tsv"),
    log:
        out("logs/resolve_samples/{cell_type}.log"),
    conda:
        "../envs/genomics.yaml"
    threads: 1
    resources:
        mem_mb=500,
        runtime=30,
    params:
        # What is asked; the day, other rows of the sheets and limits are no reason to ask again.
        question=lambda wildcards: {
            key: getattr(CELL_TYPES[wildcards.cell_type], key) for key in ("encode_query", "gtex_tissue", "stranded")
        },
        sources={key: CONFIG["sources"][key] for key in ("encode", "recount3")},
        rows=lambda wildcards: [sample.as_row() for sample in SAMPLES_OF[wildcards.cell_type]],
    script:
        "../workflow_scripts/resolve_samples.py"


rule gather_resolved:
    input:
        samples=expand(out("samples/resolved/{cell_type}.tsv"), cell_type=CELL_TYPES),
        rejected=expand(out("samples/rejected/{cell_type}.tsv"), cell_type=CELL_TYPES),
    output:
        samples=report(
            out("samples/resolved.tsv"),
            caption="../resources/captions/samples.rst",
            category="Data",
            labels={"table": "samples"},
        ),
        rejected=report(
            out("samples/rejected.tsv"),
            caption="../resources/captions/rejected.rst",
            category="Data",
            labels={"table": "files not taken"},
        ),
    log:
        out("logs/gather_resolved.log"),
    conda:
        "../envs/genomics.yaml"
    threads: 1
    resources:
        mem_mb=500,
        runtime=5,
    script:
        "../workflow_scripts/gather_resolved.py"


rule check_sample:
    input:
        sizes=out("reference/chrom.sizes"),
        signals=lambda wildcards: [
            signal_path(sample_named(wildcards), strand) for strand in sample_named(wildcards).files
        ],
    output:
        out("qc/samples/{cell_type}/{sample}.json"),
    log:
        out("logs/check_sample/{cell_type}/{sample}.log"),
    benchmark:
        out("benchmarks/check_sample/{cell_type}/{sample}.tsv")
    conda:
        "../envs/genomics.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=60,
    params:
        strands=lambda wildcards: [str(strand) for strand in sample_named(wildcards).files],
        md5=lambda wildcards: [
            None if signal_file(sample_named(wildcards), strand).remote else file.md5
            for strand, file in sample_named(wildcards).files.items()
        ],
    script:
        "../workflow_scripts/check_sample.py"


rule tabulate_samples:
    input:
        lambda wildcards: [
            out(f"qc/samples/{sample.cell_type}/{sample.name}.json")
            for cell_type in CELL_TYPES
            for sample in samples_of(cell_type)
        ],
    output:
        out("qc/samples.tsv"),
    log:
        out("logs/tabulate_samples.log"),
    conda:
        "../envs/genomics.yaml"
    threads: 1
    resources:
        mem_mb=500,
        runtime=5,
    params:
        total=CONFIG["normalisation"]["total"],
    script:
        "../workflow_scripts/tabulate_samples.py"
