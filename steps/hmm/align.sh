#!/usr/bin/env bash
# Copyright 2026 The PseudoSpeakers developers. Apache 2.0.
#
# Aligns the frames of utterances to the states of their transcripts, in several jobs.
#
# reads   <data>: a data directory with text; <model>: of steps/hmm/train_mono.sh; <feats>: of steps.features.normalise
# writes  <out>, as python3 -m steps.hmm.align --help tells; logs beside it in log/<name of out>.*.log; until all jobs are done,
#         their parts in .<name of out>.parts beside it
# shellcheck disable=SC2034 # options are read by their names, in give
set -euo pipefail

help_message="usage: steps/hmm/align.sh [options] <data> <model> <feats> <out>
  --cmd         launcher and resources (default: run.pl)
  --nj          number of jobs (default: 2); the alignments do not depend on it
  --words       transcript (default), or loop: any words of the lexicon, where the text of a test must not help
  --posteriors  true: posteriors of densities by all paths, too (default: false)
  --conf, --set options of python3 -m steps.hmm.align: a YAML file, and key=value,... that override it;
                --shared_with: commands that they are for too
  --max_fail    largest share of utterances that may have no alignment (default: 0.05)
  --force       align again even if nothing has changed"
cmd=run.pl
nj=2
words=
posteriors=
conf=
set=
shared_with=
max_fail=
force=
arguments="<data> <model> <feats> <out>"
. utils/parse_options.sh
. utils/given_options.sh
. utils/check_options.sh
. utils/launcher/jobs.sh
. ./path.sh
data=$1 model=$2 feats=$3 out=${4%/}
check_jobs
check_paths data model feats out conf
give nj words posteriors conf set shared_with max_fail force
given+=(--data "$data" --model "$model" --feats "$feats" --out "$out")

share_work "$cmd" "$nj" "$out" steps.hmm.align "${given[@]}"
