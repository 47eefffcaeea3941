# The built-in demo data: a small genome, its genes and RNA-seq samples, from a seed.

if SIMULATED:

    rule simulate:
        output:
            fasta=CONFIG["genome"]["fasta"],
            gtf=CONFIG["annotation"]["gtf"],
            blacklist=CONFIG["blacklist"],
            signals=[file.location for sample in MADE.values() for file in sample.files.values()],
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
            settings={key: value for key, value in CONFIG["simulate"].items() if key != "samples"},
            samples=[
                {
                    "name": name,
                    "cell_type": sample.cell_type,
                    "plus": sample.files[Strand.PLUS].location,
                    "minus": sample.files[Strand.MINUS].location,
                }
                | CONFIG["simulate"]["samples"][name]
                for name, sample in MADE.items()
            ],
        script:
            "../workflow_scripts/simulate_data.py"
