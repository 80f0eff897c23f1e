#!/usr/bin/env bash
# Copyright 2026 The PseudoSpeakers developers. Apache 2.0.
#
# Scores trials by paths through the graphs of the claimed sentences, in several jobs.
#
# reads   <trials>: lines 'model utterance'; <models>, of steps/gmm/map_adapt.sh; the speech frames of <feats>
# writes  <out>, as python3 -m steps.hmm.score --help tells; logs beside it in log/<name of out>.*.log
# shellcheck disable=SC2034 # options are read by their names, in give
set -euo pipefail

help_message="usage: steps/hmm/score.sh [options] <trials> <models> <feats> <out>
  --cmd         launcher and resources (default: run.pl)
  --nj          number of jobs (default: 2); the scores do not depend on it
  --conf, --set options of python3 -m steps.hmm.score: a YAML file, and key=value,... that override it, such as
                --set paths=forward,verify=utterance; --shared_with: commands that they are for too
  --verify      speaker (default): whose voice, saying these words; utterance: are these the words?
  --paths       viterbi (default): the best path; forward: all paths
  --against     background (default), ubm, loop, sentences, or the mean of several; --ubm: directory of the mixture
  --max_fail    largest share of trials that may have no score (default: 0.01)
  --force       score again even if nothing has changed"
cmd=run.pl
nj=2
conf=
set=
shared_with=
verify=
paths=
against=
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
give nj conf set shared_with verify paths against ubm max_fail force
given+=(--trials "$trials" --models "$models" --feats "$feats" --out "$out")

share_work "$cmd" "$nj" "$out" steps.hmm.score "${given[@]}"
