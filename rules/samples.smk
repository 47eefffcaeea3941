# Samples: their files are found, checked and compared; excluded samples are only listed.


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
        mem_mb=growing(500),
        runtime=growing(30),
    params:
        # What the search depends on; the date, other rows of the sheets and limits do not trigger a new search.
        question=lambda wildcards: {
            key: getattr(RUN.cell_types[wildcards.cell_type], key)
            for key in ("encode_query", "gtex_tissue", "stranded")
        },
        sources=lambda wildcards: [
            SETTINGS.sources.encode,
            SETTINGS.sources.recount3,
            # Only if it is set: another parameter would repeat the searches of older runs.
            *(
                [SETTINGS.sources.gtex_samples]
                if RUN.cell_types[wildcards.cell_type].gtex_tissue and SETTINGS.sources.gtex_samples
                else []
            ),
        ],
        rows=lambda wildcards: [sample.as_row() for sample in RUN.listed[wildcards.cell_type]],
        # Listed rows that are not looked up because they are excluded.
        passed_over=lambda wildcards: [
            sample.name
            for sample in RUN.listed[wildcards.cell_type]
            if sample.name in SETTINGS.exclude and not sample.located
        ],
    script:
        "../workflow_scripts/resolve_samples.py"


rule gather_resolved:
    input:
        samples=expand(out("samples/resolved/{cell_type}.tsv"), cell_type=RUN.cell_types),
        rejected=expand(out("samples/rejected/{cell_type}.tsv"), cell_type=RUN.cell_types),
    output:
        samples=report(
            out("samples/resolved.tsv"),
            caption="../resources/captions/samples.rst",
            category="2 Data",
            labels={"table": "samples"},
        ),
        rejected=report(
            out("samples/rejected.tsv"),
            caption="../resources/captions/rejected.rst",
            category="2 Data",
            labels={"table": "rejected files"},
        ),
    log:
        out("logs/gather_resolved.log"),
    localrule: True
    conda:
        "../envs/genomics.yaml"
    threads: 1
    resources:
        mem_mb=growing(500),
        runtime=growing(5),
    params:
        exclude=digest(SETTINGS.exclude),
    script:
        "../workflow_scripts/gather_resolved.py"


rule check_sample:
    input:
        sizes=out("reference/chrom.sizes"),
        exons=out("reference/exons.bed.gz"),
        signals=lambda wildcards: inputs.signals(RUN, [sample_of(wildcards)]),
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
        mem_mb=growing(1000),
        runtime=growing(60),
    params:
        **({"whole_file": True} if SETTINGS.normalisation.over == "all" else {}),
        strands=lambda wildcards: names_of(sample_of(wildcards).files),
        md5=lambda wildcards: [
            None if sample_of(wildcards).bigwigs[strand].remote else file.md5
            for strand, file in sample_of(wildcards).files.items()
        ],
    script:
        "../workflow_scripts/check_sample.py"


rule bin_sample:
    input:
        sizes=out("reference/chrom.sizes"),
        check=out("qc/samples/{cell_type}/{sample}.json"),
        signals=lambda wildcards: inputs.signals(RUN, [sample_of(wildcards)]),
    output:
        directory(out("qc/bins/{cell_type}/{sample}")),
    log:
        out("logs/bin_sample/{cell_type}/{sample}.log"),
    benchmark:
        out("benchmarks/bin_sample/{cell_type}/{sample}.tsv")
    conda:
        "../envs/genomics.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(60),
    params:
        strands=lambda wildcards: names_of(sample_of(wildcards).files),
        total=SETTINGS.normalisation.recorded("per", "over"),
        bin_size=SETTINGS.qc.bin_size,
    script:
        "../workflow_scripts/bin_sample.py"


rule compare_samples:
    input:
        sizes=out("reference/chrom.sizes"),
        bins=lambda wildcards: [
            out(f"qc/bins/{sample.cell_type}/{sample.name}")
            for sample in used_samples(*RUN.with_strand(wildcards.strand))
        ],
    output:
        heatmap=report(
            out("qc/correlation.{strand}.svg"),
            caption="../resources/captions/sample_correlation.rst",
            category="2 Data",
            labels={"figure": "correlation of samples, {strand}"},
        ),
        correlation=report(
            out("qc/correlation.{strand}.tsv"),
            caption="../resources/captions/sample_correlation.rst",
            category="2 Data",
            labels={"table": "correlation of samples, {strand}"},
        ),
        pca=report(
            out("qc/pca.{strand}.svg"),
            caption="../resources/captions/sample_pca.rst",
            category="2 Data",
            labels={"figure": "PCA of samples, {strand}"},
        ),
        components=report(
            out("qc/pca.{strand}.tsv"),
            caption="../resources/captions/sample_pca.rst",
            category="2 Data",
            labels={"table": "PCA of samples, {strand}"},
        ),
    log:
        out("logs/compare_samples/{strand}.log"),
    benchmark:
        out("benchmarks/compare_samples/{strand}.tsv")
    conda:
        "../envs/qc.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, input, attempt: attempt * (1000 + 50 * len(input.bins)),
        runtime=growing(240),
    params:
        samples=lambda wildcards: [sample.name for sample in used_samples(*RUN.with_strand(wildcards.strand))],
        cell_types=lambda wildcards: [sample.cell_type for sample in used_samples(*RUN.with_strand(wildcards.strand))],
        bin_size=SETTINGS.qc.bin_size,
    script:
        "../workflow_scripts/compare_samples.py"


rule tabulate_samples:
    input:
        checks=lambda wildcards: inputs.checks(RUN, used_samples(*RUN.cell_types)),
        correlations=[out(f"qc/correlation.{strand}.tsv") for strand in RUN.strands],
    output:
        samples=report(
            out("qc/samples.tsv"),
            caption="../resources/captions/sample_checks.rst",
            category="2 Data",
            labels={"table": "checks of samples"},
        ),
        chromosomes=out("qc/chromosomes.tsv"),
    log:
        out("logs/tabulate_samples.log"),
    localrule: True
    conda:
        "../envs/genomics.yaml"
    threads: 1
    resources:
        mem_mb=growing(500),
        runtime=growing(5),
    params:
        strands=names_of(RUN.strands),
        total=SETTINGS.normalisation.recorded("per", "over"),
        excluded=lambda wildcards: RUN.excluded_from(each for name in RUN.cell_types for each in samples_of(name)),
        stop_on_flags=SETTINGS.qc.stop_on_flags,
    script:
        "../workflow_scripts/tabulate_samples.py"


rule compare_nonzero_means:
    input:
        [out(f"tracks/observed/{track}.json") for track in RUN.published_means],
    output:
        table=report(
            out("qc/nonzero_means.tsv"),
            caption="../resources/captions/nonzero_means.rst",
            category="2 Data",
            labels={"table": "nonzero means, next to published ones"},
        ),
        figure=report(
            out("figures/nonzero_means.svg"),
            caption="../resources/captions/nonzero_means.rst",
            category="2 Data",
            labels={"figure": "nonzero means, next to published ones"},
        ),
    log:
        out("logs/compare_nonzero_means.log"),
    localrule: True
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(10),
    params:
        published=RUN.published_means,
    script:
        "../workflow_scripts/compare_nonzero_means.py"
