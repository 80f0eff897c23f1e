#!/usr/bin/env bash
# Copyright 2026 The PseudoSpeakers developers. Apache 2.0.
#
# Scores trials by likelihood ratios of adapted mixtures, in several jobs.
#
# reads   <trials>: lines 'model utterance'; <models>, of steps/gmm/map_adapt.sh; the speech frames of <feats>
# writes  <out>, as python3 -m steps.gmm.score --help tells; logs beside it in log/<name of out>.*.log
# shellcheck disable=SC2034 # options are read by their names, in give
set -euo pipefail

help_message="usage: steps/gmm/score.sh [options] <trials> <models> <feats> <out>
  --cmd         launcher and resources (default: run.pl)
  --nj          number of jobs (default: 2); the scores do not depend on it
  --conf, --set options of python3 -m steps.gmm.score: a YAML file, and key=value,... that override it, such as
                --set method=selected,least_share=0.02; --shared_with: commands that they are for too
  --method      llr (default), selected or linear: fast, with a small loss
  --max_fail    largest share of trials that may have no score (default: 0.01)
  --force       score again even if nothing has changed"
cmd=run.pl
nj=2
conf=
set=
shared_with=
method=
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
check_paths trials models feats out conf
give nj conf set shared_with method max_fail force
given+=(--trials "$trials" --models "$models" --feats "$feats" --out "$out")

share_work "$cmd" "$nj" "$out" steps.gmm.score "${given[@]}"
