#!/usr/bin/env bash
# Copyright 2026 The PseudoSpeakers developers. Apache 2.0.
#
# Adapts a mixture to speakers in several jobs: a model for each line of an enrol_map.
#
# reads   <data>/enrol_map; the speech frames of <feats>, a directory of steps.features.normalise; <ubm>, of steps/gmm/train_ubm.sh
# writes  <out>, as python3 -m steps.gmm.map_adapt --help tells; logs beside it in log/<name of out>.*.log; until all jobs are done,
#         their parts in .<name of out>.parts beside it
# shellcheck disable=SC2034 # options are read by their names, in give
set -euo pipefail

help_message="usage: steps/gmm/map_adapt.sh [options] <data> <feats> <ubm> <out>
  --cmd         launcher and resources (default: run.pl)
  --nj          number of jobs (default: 2); the models do not depend on it
  --conf, --set options of python3 -m steps.gmm.map_adapt: a YAML file, and key=value,... that override it, such as
                --set relevance=16,adapt=means; --shared_with: commands that they are for too
  --max_fail    largest share of models without any usable recording (default: 0.01)
  --force       adapt again even if nothing has changed"
cmd=run.pl
nj=2
conf=
set=
shared_with=
max_fail=
force=
arguments="<data> <feats> <ubm> <out>"
. utils/parse_options.sh
. utils/given_options.sh
. utils/check_options.sh
. utils/launcher/jobs.sh
. ./path.sh
data=$1 feats=$2 ubm=$3 out=${4%/}
check_jobs
check_paths data feats ubm out conf
give nj conf set shared_with max_fail force
given+=(--data "$data" --feats "$feats" --ubm "$ubm" --out "$out")

share_work "$cmd" "$nj" "$out" steps.gmm.map_adapt "${given[@]}"
