"""`python -m snakemake` that looks every two seconds whether a job of the cluster has ended.

Slurm's plugin waits ten seconds longer each time, which for jobs of ten seconds is most of a run. Nothing else differs.
"""

from snakemake.cli import main
from snakemake_interface_executor_plugins.executors.remote import RemoteExecutor

if __name__ == "__main__":  # pytest, which looks for doctests, imports this file, too
    RemoteExecutor.next_seconds_between_status_checks = property(lambda _: 2, lambda *_: None)
    main()
