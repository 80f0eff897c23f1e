#!/usr/bin/env bash
# Copyright 2026 The PseudoSpeakers developers. Apache 2.0.
#
# Trains an extractor of i-vectors in several jobs, which make the passes of EM together and meet in files.
#
# reads   <data>: the utterances of the background; <feats>: features with speech frames; and a UBM, or a hidden Markov model and
#         alignments
# writes  <out>, as python3 -m steps.ivector.train --help tells; logs beside it in log/<name of out>.*.log
# shellcheck disable=SC2034 # options are read by their names, in give
set -euo pipefail

help_message="usage: steps/ivector/train.sh [options] <data> <feats> <out>
  --cmd         launcher and resources (default: run.pl)
  --nj          number of jobs (default: 2); the extractor does not depend on it
  --ubm         directory of a UBM, whose posteriors sort the frames
  --hmm, --alignments  in its place: directories of a hidden Markov model, and of alignments of the utterances
  --dim         of i-vectors (default: one for each 10 recordings, from 100 to 600, at most one for 2)
  --conf, --set options of python3 -m steps.ivector.train: a YAML file, and key=value,... that override it, such as
                --set passes=5,seed=1; --shared_with: commands that they are for too
  --max_fail    largest share of utterances that may have no statistics (default: 0.01)
  --force       train again even if nothing has changed"
cmd=run.pl
nj=2
ubm=
hmm=
alignments=
dim=
conf=
set=
shared_with=
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
check_paths data feats out conf ubm hmm alignments
give nj conf set shared_with ubm hmm alignments dim max_fail force
given+=(--data "$data" --feats "$feats" --out "$out")

share_work "$cmd" "$nj" "$out" steps.ivector.train "${given[@]}"
