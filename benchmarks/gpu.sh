#!/usr/bin/env bash
# Everything to run once on a machine with a GPU, in about ten minutes: the tests on CUDA, and benchmarks/gpu.md.
set -euo pipefail
cd "$(dirname "$0")/.."
export PYTHONPATH="$PWD/workflow_scripts"
python -m pytest tests/model/test_cuda.py -rs
python benchmarks/gpu.py "$@"
