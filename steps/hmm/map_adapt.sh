#!/usr/bin/env bash
# Copyright 2026 The PseudoSpeakers developers. Apache 2.0.
#
# Adapts a hidden Markov model to speakers in several jobs: a model for each line of an enrol_map.
#
# reads   <data>/enrol_map and text; the speech frames of <feats>, of steps.features.normalise; <mono>, of steps/hmm/train_mono.sh
# writes  <out>, as python3 -m steps.hmm.map_adapt --help tells; logs beside it in log/<name of out>.*.log; until all jobs are done,
#         their parts in .<name of out>.parts beside it
# shellcheck disable=SC2034 # options are read by their names, in give
set -euo pipefail

help_message="usage: steps/hmm/map_adapt.sh [options] <data> <feats> <mono> <out>
  --cmd         launcher and resources (default: run.pl)
  --nj          number of jobs (default: 2); the models do not depend on it
  --conf, --set options of python3 -m steps.hmm.map_adapt: a YAML file, and key=value,... that override it, such as
                --set relevance=16,adapt=means; --shared_with: commands that they are for too
  --ali         alignments of steps/hmm/align.sh or steps.hmm.import_ali, in the place of our own
  --texts       data directory that tells what sentences are, if <data> does not
  --max_fail    largest share of models without any usable recording (default: 0.01)
  --force       adapt again even if nothing has changed"
cmd=run.pl
nj=2
conf=
set=
shared_with=
ali=
texts=
max_fail=
force=
arguments="<data> <feats> <mono> <out>"
. utils/parse_options.sh
. utils/given_options.sh
. utils/check_options.sh
. utils/launcher/jobs.sh
. ./path.sh
data=$1 feats=$2 mono=$3 out=${4%/}
check_jobs
check_paths data feats mono out conf ali texts
give nj conf set shared_with ali texts max_fail force
given+=(--data "$data" --feats "$feats" --mono "$mono" --out "$out")

share_work "$cmd" "$nj" "$out" steps.hmm.map_adapt "${given[@]}"
