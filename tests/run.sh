#!/usr/bin/env bash
# Copyright 2026 The PseudoSpeakers developers. Apache 2.0.
#
# Sets up the environment with the test extras, then runs the linters and every test but the benchmarks of tests/bench:
#
#   tests/run.sh [--wheels DIR] [pytest arguments, such as tests/utils or -k kill]
#
# Tests on real embeddings need PSEUDOSPEAKERS_DATA, a directory with capspeech-libri and librispeech-251; without it they are skipped.
# Those of tests/slurm start a SLURM of their own, where its programs are installed and the user is root; elsewhere they are skipped.
# pytest prints two summaries, that of the tests on SLURM last; the exit status is 0 if the linters and all tests passed.
set -euo pipefail

help_message="usage: tests/run.sh [--wheels DIR] [pytest arguments]
  --wheels  install from this folder alone, without a registry (default: \$PSEUDOSPEAKERS_WHEELS)
  PSEUDOSPEAKERS_DATA=DIR  real data (capspeech-libri, librispeech-251) for the tests that need them"
wheels=${PSEUDOSPEAKERS_WHEELS:-}
cd "$(dirname "$(readlink -f "$0")")/.."
. utils/parse_options.sh
extras=audio,attributes,demo,lexicon,onnx,parquet,openai,rivals,units,test
PS_PYTHON_BIN=$(utils/setup_env.sh --extras "$extras" --wheels "$wheels")
export PS_PYTHON_BIN
. ./path.sh
export OMP_NUM_THREADS=1

status=0
ruff check . || status=1
ruff format --check . || status=1
find . -name .venv -prune -o \( -name '*.sh' -o -path ./.ci/run \) -type f -print0 | xargs -0 -n 8 -P 2 shellcheck || status=1
for program in utils/*.pl; do
  perl -c "$program" || status=1
done
[ $status -eq 0 ] || echo "tests/run.sh: a linter complains, see above; the tests follow" >&2

if [ $# -gt 0 ]; then
  python3 -m pytest --ignore=tests/bench "$@" || status=$?
  exit $status
fi
# The tests on SLURM spend their time waiting: they run beside the others, which run in two processes, a file in one of them
# (tests/conftest.py: and all files that look at one run of a recipe), in their own order: sorted by the number of their tests,
# recipes would come last, and one process would wait for the other's.
slurm_log=$(mktemp)
python3 -m pytest tests/slurm >"$slurm_log" 2>&1 &
slurm=$!
trap 'kill "$slurm" 2>/dev/null && wait "$slurm"; rm -f "$slurm_log"' EXIT
python3 -m pytest -n 2 --dist loadfile --no-loadscope-reorder --ignore=tests/bench --ignore=tests/slurm || status=$?
wait "$slurm" || status=$?
cat "$slurm_log"
exit $status
