#!/usr/bin/env bash
# Copyright 2026 The PseudoSpeakers developers. Apache 2.0.
#
# Scores trials by dynamic time warping of tests to the recordings that enrol the models, in several jobs.
#
# reads   <trials>: lines `model utterance`; <models>: a data directory with enrol_map; <feats>: features with speech frames
# writes  <out>, as python3 -m steps.dtw.score --help tells; logs beside it in log/<name of out>.*.log
# shellcheck disable=SC2034 # options are read by their names, in give
set -euo pipefail

help_message="usage: steps/dtw/score.sh [options] <trials> <models> <feats> <out>
  --cmd         launcher and resources (default: run.pl)
  --nj          number of jobs (default: 2); the scores do not depend on it
  --conf, --set options of python3 -m steps.dtw.score: a YAML file, and key=value,... that override it, such as
                --set distance=posterior,templates=mean; --shared_with: commands that they are for too
  --ubm         directory of the mixture whose posteriors are compared, with distance=posterior
  --max_fail    largest share of trials that may have no score (default: 0.01)
  --force       score again even if nothing has changed"
cmd=run.pl
nj=2
conf=
set=
shared_with=
ubm=
max_fail=
force=
arguments="<trials> <models> <feats> <out>"
. utils/parse_options.sh
. utils/given_options.sh
. utils/check_options.sh
. utils/launcher/jobs.sh
. ./path.sh
trials=$1 models=$2 feats=$3 out=${4%/}
check_jobs
check_paths trials models feats out conf ubm
give nj conf set shared_with ubm max_fail force
given+=(--trials "$trials" --models "$models" --feats "$feats" --out "$out")

share_work "$cmd" "$nj" "$out" steps.dtw.score "${given[@]}"
