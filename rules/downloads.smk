# Downloads: each file once, into a folder that several runs share; the run's own file is a link.


rule fetch_file:
    output:
        out("downloads/{key}/{name}"),
    log:
        out("logs/fetch_file/{key}/{name}.log"),
    wildcard_constraints:
        key="[0-9a-f]{12}",
        name="[^/]+",
    conda:
        "../envs/genomics.yaml"
    threads: 1
    resources:
        mem_mb=growing(500),
        runtime=growing(480),
        downloads=1,
    params:
        file=remote_file,
    script:
        "../workflow_scripts/fetch_file.py"


rule fetch_weights:
    output:
        out("weights/{weights}.json"),
    log:
        out("logs/fetch_weights/{weights}.log"),
    conda:
        "../envs/torch.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(480),
        downloads=1,
    params:
        hub_id=lambda wildcards: HUB_MODELS[wildcards.weights].backbone,
        revision=lambda wildcards: HUB_MODELS[wildcards.weights].revision,
    script:
        "../workflow_scripts/fetch_weights.py"
