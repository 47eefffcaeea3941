"""The report page, its methods text, and the tables of software, run times and memory."""

import sys

sys.path.insert(0, snakemake.scriptdir)  # takes precedence over an installed rnatracks

from pathlib import Path

from rnatracks.config.settings import Settings
from rnatracks.evaluation.scored_tracks import model_track
from rnatracks.files import write_table, write_text
from rnatracks.log import open_log
from rnatracks.model.plan import expand_models
from rnatracks.provenance import Provenance, read_benchmarks
from rnatracks.report.contents import Reported, ReportFiles, report_content, software_table
from rnatracks.report.page import write_report
from rnatracks.samples.sheets import read_cell_types

open_log(snakemake.log[0])
settings, files, output = Settings.of(snakemake.config), ReportFiles.of(snakemake.input), snakemake.output
cell_types = {each.name: each for each in read_cell_types(Path(settings.cell_types))}
run = Reported(
    settings=settings,
    config_files=snakemake.config["files"],
    cell_types=cell_types,
    models=expand_models(settings.models, list(cell_types)),
    tracks=[model_track(*each) for each in snakemake.params.tracks],
    pairs=snakemake.params.differences,
    strands=snakemake.params.strands,
    variants=snakemake.params.variants,
    resources=Path(snakemake.scriptdir).parent / "resources",
    made=Provenance.of_this_process(Path(snakemake.scriptdir)),
)
times = Path(settings.results) / "benchmarks"
software, benchmarks = software_table(files, run), read_benchmarks(sorted(times.rglob("*.tsv")), times)
write_table(software, Path(output.software))
write_table(benchmarks, Path(output.benchmarks))
content = report_content(files, run, software, benchmarks)
write_text(Path(output.methods), "\n\n".join(content.methods) + "\n")
write_report(Path(output.page), content, run.resources / "report.html.j2")
