#!/usr/bin/env bash
# Copyright 2026 The PseudoSpeakers developers. Apache 2.0.
#
# Extracts i-vectors of recordings, or of models, in several jobs.
#
# reads   <data>: the recordings, and the models in enrol_map; <feats>: features with speech frames; <extractor>: of train.sh
# writes  <out>, as python3 -m steps.ivector.extract --help tells; logs beside it in log/<name of out>.*.log
# shellcheck disable=SC2034 # options are read by their names, in give
set -euo pipefail

help_message="usage: steps/ivector/extract.sh [options] <data> <feats> <extractor> <out>
  --cmd         launcher and resources (default: run.pl)
  --nj          number of jobs (default: 2); the vectors do not depend on it
  --by          recording (default), or model: the pooled statistics of the recordings that enrol it
  --alignments  directory of alignments of the recordings, where the extractor was trained with such
  --conf, --set options of python3 -m steps.ivector.extract: a YAML file, and key=value,... that override it;
                --shared_with: commands that they are for too
  --max_fail    largest share that may have no vector (default: 0.01)
  --force       extract again even if nothing has changed"
cmd=run.pl
nj=2
by=
alignments=
conf=
set=
shared_with=
max_fail=
force=
arguments="<data> <feats> <extractor> <out>"
. utils/parse_options.sh
. utils/given_options.sh
. utils/check_options.sh
. utils/launcher/jobs.sh
. ./path.sh
data=$1 feats=$2 extractor=$3 out=${4%/}
check_jobs
check_paths data feats extractor out conf alignments
give nj conf set shared_with by alignments max_fail force
given+=(--data "$data" --feats "$feats" --extractor "$extractor" --out "$out")

share_work "$cmd" "$nj" "$out" steps.ivector.extract "${given[@]}"
