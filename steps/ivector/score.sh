#!/usr/bin/env bash
# Copyright 2026 The PseudoSpeakers developers. Apache 2.0.
#
# Scores trials by i-vectors of models and of tests, in several jobs.
#
# reads   <trials>: lines `model utterance`; <models>, <tests>: directories of extract.sh, of models and of recordings
# writes  <out>, as python3 -m steps.ivector.score --help tells; logs beside it in log/<name of out>.*.log
# shellcheck disable=SC2034 # options are read by their names, in give
set -euo pipefail

help_message="usage: steps/ivector/score.sh [options] <trials> <models> <tests> <out>
  --cmd         launcher and resources (default: run.pl)
  --nj          number of jobs (default: 1); the scores do not depend on it
  --backend     directory of steps.ivector.train_backend: projection, length and PLDA
  --kind        cosine (default), or plda
  --conf, --set options of python3 -m steps.ivector.score: a YAML file, and key=value,... that override it;
                --shared_with: commands that they are for too
  --max_fail    largest share of trials that may have no score (default: 0.01)
  --force       score again even if nothing has changed"
cmd=run.pl
nj=1
backend=
kind=
conf=
set=
shared_with=
max_fail=
force=
arguments="<trials> <models> <tests> <out>"
. utils/parse_options.sh
. utils/given_options.sh
. utils/check_options.sh
. utils/launcher/jobs.sh
. ./path.sh
trials=$1 models=$2 tests=$3 out=${4%/}
check_jobs
check_paths trials models tests out conf backend
give nj conf set shared_with backend kind max_fail force
given+=(--trials "$trials" --models "$models" --tests "$tests" --out "$out")

share_work "$cmd" "$nj" "$out" steps.ivector.score "${given[@]}"
