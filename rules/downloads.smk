# Downloads: each file once, into a folder that several runs can share; each run has a link to it.


# Everything that needs a network: files and weights. The rest runs offline once conda has created the environments.
rule fetch:
    input:
        input_downloads,
        [out(f"weights/{weights}.json") for weights in RUN.hub_models],
    localrule: True


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
        file=file_to_fetch,
    script:
        "../workflow_scripts/fetch_file.py"


rule fetch_weights:
    output:
        out("weights/{weights}.json"),
    log:
        out("logs/fetch_weights/{weights}.log"),
    wildcard_constraints:
        weights=any_of(RUN.hub_models),
    conda:
        "../envs/torch.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(480),
        downloads=1,
    params:
        hub_id=lambda wildcards: RUN.hub_models[wildcards.weights].backbone,
        revision=lambda wildcards: RUN.hub_models[wildcards.weights].revision,
    script:
        "../workflow_scripts/fetch_weights.py"
