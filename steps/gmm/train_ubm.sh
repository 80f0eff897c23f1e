#!/usr/bin/env bash
# Copyright 2026 The PseudoSpeakers developers. Apache 2.0.
#
# Trains a universal background model: a mixture of Gaussians of the speech frames of a data directory, in several jobs.
#
# reads   <data>: utt2spk, and spk2gender for --set sexes=by_sex; <feats>: a directory of features with vad.scp
# writes  <out>, as python3 -m steps.gmm.train_ubm --help tells; logs beside it in log/<name of out>.*.log; until all is done, the
#         plan and the sums of the jobs in .<name of out>.parts beside it
# shellcheck disable=SC2034 # options are read by their names, in give
set -euo pipefail

help_message="usage: steps/gmm/train_ubm.sh [options] <data> <feats> <out>
  --cmd         launcher and resources (default: run.pl)
  --nj          number of jobs (default: 2); the model does not depend on it
  --components  Gaussians (default: 512)
  --conf, --set options of python3 -m steps.gmm.train_ubm: a YAML file, and key=value,... that override it, such as
                --set sexes=by_sex,full_passes=4
  --use_gpu     false (default), auto or true
  --seed        of the directions of splits (default: 0)
  --max_fail    largest share of utterances that may have no frames (default: 0.01)
  --force       train again even if nothing has changed"
cmd=run.pl
nj=2
components=
conf=
set=
use_gpu=
seed=
max_fail=
force=
arguments="<data> <feats> <out>"
. utils/parse_options.sh
. utils/given_options.sh
. utils/check_options.sh
. utils/launcher/jobs.sh
. ./path.sh
data=$1 feats=$2 out=${3%/}
check_jobs
check_paths data feats out conf
give nj components conf set use_gpu seed max_fail force
given+=(--data "$data" --feats "$feats" --out "$out")

! is_done python3 -m steps.gmm.train_ubm "${given[@]}" || exit 0
read_values steps.gmm.train_ubm use_gpu
[ "$use_gpu" = false ] || cmd="$cmd --gpu 1"

python3 -m steps.gmm.plan_ubm "${given[@]}"
run_parts "$cmd" "$nj" "$out" steps.gmm.train_ubm "${given[@]}"
python3 -m steps.gmm.train_ubm "${given[@]}"
