#!/usr/bin/env bash
# Copyright 2026 The PseudoSpeakers developers. Apache 2.0.
#
# Trains hidden Markov models of phones or whole words, from transcripts, in several jobs.
#
# reads   <data>: a data directory with text; <lang>: of steps.hmm.make_lang; <feats>: of steps.features.normalise
# writes  <out>, as python3 -m steps.hmm.train_mono --help tells; logs beside it in log/<name of out>.*.log; until all jobs are done,
#         their sums in .<name of out>.parts beside it
# shellcheck disable=SC2034 # options are read by their names, in give
set -euo pipefail

help_message="usage: steps/hmm/train_mono.sh [options] <data> <lang> <feats> <out>
  --cmd         launcher and resources (default: run.pl)
  --nj          number of jobs (default: 2); the model does not depend on it
  --conf, --set options of python3 -m steps.hmm.train_mono: a YAML file, and key=value,... that override it, such as
                --set gaussians=4,method=viterbi; --shared_with: commands that they are for too
  --ali         alignments of steps/hmm/align.sh or steps.hmm.import_ali, in the place of our own
  --max_fail    largest share of utterances that may not be usable (default: 0.05)
  --force       train again even if nothing has changed"
cmd=run.pl
nj=2
conf=
set=
shared_with=
ali=
max_fail=
force=
arguments="<data> <lang> <feats> <out>"
. utils/parse_options.sh
. utils/given_options.sh
. utils/check_options.sh
. utils/launcher/jobs.sh
. ./path.sh
data=$1 lang=$2 feats=$3 out=${4%/}
check_jobs
check_paths data lang feats out conf ali
give nj conf set shared_with ali max_fail force
given+=(--data "$data" --lang "$lang" --feats "$feats" --out "$out")

! is_done python3 -m steps.hmm.train_mono "${given[@]}" || exit 0
python3 -m steps.hmm.plan_mono "${given[@]}"
run_parts "$cmd" "$nj" "$out" steps.hmm.train_mono "${given[@]}"
python3 -m steps.hmm.train_mono "${given[@]}"
