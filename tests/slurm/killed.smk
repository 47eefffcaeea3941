# A quick job, then two slow ones, in the middle of which the main process is killed: see test_mishaps.py.


rule all:
    input:
        expand("slow/{number}.txt", number=[1, 2]),


rule quick:
    output:
        "quick.txt",
    resources:
        mem_mb=600,
        runtime=5,
    shell:
        "echo quick >> runs.txt; touch {output}"


rule slow:
    input:
        "quick.txt",
    output:
        "slow/{number}.txt",
    resources:
        mem_mb=600,
        runtime=5,
    shell:
        # The first time half of the output is there when everything ends.
        "echo slow {wildcards.number} >> runs.txt; echo half > {output};"
        "if [ -e again.txt ] || [ {wildcards.number} = 1 ]; then echo whole > {output}; else sleep 300; fi"
