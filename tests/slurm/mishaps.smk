# Jobs to which things happen, for the profile of the repository: see test_mishaps.py.
import signal
import sys

signal.signal(signal.SIGUSR1, signal.SIG_IGN)  # as the workflow does: the warning is for the training alone

WARNED = """
import signal, sys, time
warned = []
signal.signal(signal.SIGUSR1, lambda *_: warned.append(time.time()))
start = time.time()
while not warned and time.time() < start + 120:
    time.sleep(0.2)
open(sys.argv[1], "w").write(str(warned[0] - start))
"""


rule all:
    input:
        expand("gpu/{number}.txt", number=[1, 2]),
        "memory.txt",
        "time.txt",
        "cancelled.txt",
        "model.txt",
        "after_gpu.txt",
        "after_broken.txt",


rule gpu:
    output:
        "gpu/{number}.txt",
    resources:
        gpu=1,
        mem_mb=600,
        runtime=2,
    shell:
        "echo $CUDA_VISIBLE_DEVICES $(date +%s.%N) > {output}; sleep 40; date +%s.%N >> {output}"


rule after_gpu:
    input:
        expand("gpu/{number}.txt", number=[1, 2]),
    output:
        "after_gpu.txt",
    resources:
        mem_mb=600,
        runtime=2,
    shell:
        "touch {output}"


rule memory:
    output:
        "memory.txt",
    resources:
        mem_mb=lambda wildcards, attempt: 1000 * attempt,
        runtime=2,
        attempt=lambda wildcards, attempt: attempt,
    params:
        python=sys.executable,
    shell:
        "{params.python} -c \"import time; x = b'x' * 1_000_000_000; time.sleep(4)\"; echo {resources.attempt} > {output}"


rule time:
    output:
        "time.txt",
    resources:
        mem_mb=600,
        runtime=lambda wildcards, attempt: attempt,
        attempt=lambda wildcards, attempt: attempt,
    shell:
        "[ {resources.attempt} -gt 1 ] || sleep 300; echo {resources.attempt} > {output}"


rule cancelled:
    output:
        "cancelled.txt",
    resources:
        mem_mb=600,
        runtime=10,
        attempt=lambda wildcards, attempt: attempt,
    shell:
        "[ {resources.attempt} -gt 1 ] || sleep 300; echo {resources.attempt} > {output}"


# The profile has Slurm warn the rule of this name, 15 minutes before the end of its time.
rule train_model:
    output:
        "model.txt",
    resources:
        mem_mb=600,
        runtime=16,
        slurm_extra="'--signal=USR1@900'",
    params:
        python=sys.executable,
        script=WARNED,
    shell:
        "{params.python} -c {params.script:q} {output}"


rule broken:
    output:
        "broken.txt",
    log:
        "broken.log",
    resources:
        mem_mb=600,
        runtime=2,
    shell:
        "printf 'the %s is on fire\n' disk > {log}; false"


rule after_broken:
    input:
        "broken.txt",
    output:
        "after_broken.txt",
    resources:
        mem_mb=600,
        runtime=2,
    shell:
        "touch {output}"
