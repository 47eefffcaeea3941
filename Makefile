# Everything runs in .venv, which is made once and again when pyproject.toml changes.
PYTHON ?= python3
CORES ?= 2
BIN := .venv/bin
DEMO := config/demo/config.yaml

.PHONY: demo test test-all environments bench reference lint format clean

# Two models train side by side, one core each.
demo: .venv/installed
	$(BIN)/snakemake all --configfile $(DEMO) --cores $(CORES) \
		--set-threads train_model=1 predict_chromosome=1 score_variants=1 predict_top=1 --rerun-incomplete --show-failed-logs

# One process more than cores: the one with the cluster mostly waits. Environments are built meanwhile; a test that needs
# one waits for it.
test: .venv/installed-dev
	$(MAKE) --jobs 2 --output-sync=line environments test-all

test-all: .venv/installed-dev
	$(BIN)/python -m pytest -n $$(($(CORES) + 1)) --dist loadscope --durations 40

# Every row beside its peers: half an hour on a quiet machine of two cores. Pages move last: each names a clean commit.
bench: .venv/installed-dev
	$(BIN)/python benchmarks/run.py --results results/benchmarks/results.md
	$(BIN)/python benchmarks/projection.py > results/benchmarks/projection.md
	mv results/benchmarks/results.md benchmarks/results.md
	mv results/benchmarks/projection.md docs/projection.md

# What is written from a definition: the configuration's schema and table in config/README.md, the conda environments.
reference: .venv/installed-dev
	$(BIN)/python -m rnatracks.config.documentation
	$(BIN)/python envs/write.py

# What pip installs into each conda environment, for the tests that use it.
environments: .venv/environments/installed

lint: .venv/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	PATH="$(BIN):$$PATH" $(BIN)/snakefmt --check Snakefile rules
	$(BIN)/snakemake --lint --configfile $(DEMO)

format: .venv/installed-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	PATH="$(BIN):$$PATH" $(BIN)/snakefmt Snakefile rules

clean:
	rm -rf results/demo .snakemake

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/installed: pyproject.toml envs/constraints.txt | .venv/bin/python
	$(BIN)/python -m pip install --progress-bar off --constraint envs/constraints.txt --editable .
	touch $@

.venv/environments/installed: .venv/installed-dev envs/*.yaml
	$(BIN)/python tests/environments.py
	touch $@

.venv/installed-dev: pyproject.toml envs/constraints.txt | .venv/bin/python
	$(BIN)/python -m pip install --progress-bar off --constraint envs/constraints.txt --editable ".[dev]"
	touch .venv/installed $@
