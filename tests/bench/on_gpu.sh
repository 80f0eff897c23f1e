#!/usr/bin/env bash
# Copyright 2026 The PseudoSpeakers developers. Apache 2.0.
#
# All benchmarks of a GPU, in three minutes: training, extraction and the start in closed form.
#
#   tests/bench/on_gpu.sh AUDIO [RESULTS]     AUDIO: a directory with .flac files of speech; RESULTS: RESULTS.md, by default
set -euo pipefail
cd "$(dirname "$0")/../.."
audio=${1:?a directory with .flac files is missing} results=${2:-RESULTS.md}
. ./path.sh
export OMP_NUM_THREADS=1
python3 -m tests.bench.gpu_training --results "$results"
python3 -m tests.bench.embed_speed --device cuda --audio "$audio" --results "$results"
OMP_NUM_THREADS=8 python3 -m tests.bench.start_speed --device cuda --results "$results"
