# The built-in demo data: a small genome, its genes and RNA-seq samples, generated from a seed.

if RUN.simulated:

    rule simulate:
        output:
            fasta=SETTINGS.genome.fasta,
            gtf=SETTINGS.annotation.gtf,
            blacklist=SETTINGS.blacklist,
            signals=[file.location for sample in RUN.simulated.values() for file in sample.files.values()],
        log:
            out("logs/simulate.log"),
        benchmark:
            out("benchmarks/simulate.tsv")
        conda:
            "../envs/genomics.yaml"
        threads: 1
        resources:
            mem_mb=growing(1000),
            runtime=growing(10),
        params:
            settings=SETTINGS.simulate.model_dump(mode="json", exclude={"variants"}),
            samples=[
                (name, sample.cell_type, *(sample.files[strand].location for strand in (Strand.PLUS, Strand.MINUS)))
                for name, sample in RUN.simulated.items()
            ],
        script:
            "../workflow_scripts/simulate_data.py"


if RUN.planted:

    rule simulate_variants:
        output:
            variants=RUN.variants[RUN.planted].location,
            effects=out("simulated/planted_effects.tsv"),
        log:
            out("logs/simulate_variants.log"),
        conda:
            "../envs/torch.yaml"  # for pysam
        threads: 1
        resources:
            mem_mb=growing(1000),
            runtime=growing(10),
        params:
            genome=SETTINGS.simulate.model_dump(mode="json", exclude={"samples", "variants"}),
            number=SETTINGS.simulate.variants,
            chromosomes=SETTINGS.held_out or SETTINGS.genome.chromosomes,
            cell_types=list(dict.fromkeys(sample.cell_type for sample in RUN.simulated.values())),
        script:
            "../workflow_scripts/simulate_variants.py"
