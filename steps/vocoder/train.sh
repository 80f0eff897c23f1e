#!/usr/bin/env bash
# Copyright 2026 The PseudoSpeakers developers. Apache 2.0.
#
# Trains the simplest vocoder, in several jobs: the mean spectrum and the mean duration of each unit.
#
# reads   <data>: a data directory with wav.scp (and segments), or a tree of audio; <units>: of steps/units/encode.sh, of these utterances
# writes  <out>, as python3 -m steps.vocoder.train --help tells; logs beside it in log/<name of out>.*.log; until all jobs are done,
#         their parts in .<name of out>.parts beside it
# shellcheck disable=SC2034 # options are read by their names, in give
set -euo pipefail

help_message="usage: steps/vocoder/train.sh [options] <data> <units> <out>
  --cmd         launcher and resources (default: run.pl)
  --nj          number of jobs (default: 2); the vocoder does not depend on it
  --conf, --set options of python3 -m steps.vocoder.train: a YAML file, and key=value,... that override it
  --max_fail    largest share of utterances that may fail (default: 0.01)
  --force       train again even if nothing has changed"
cmd=run.pl
nj=2
conf=
set=
max_fail=
force=
arguments="<data> <units> <out>"
. utils/parse_options.sh
. utils/given_options.sh
. utils/check_options.sh
. utils/launcher/jobs.sh
. ./path.sh
data=$1 units=$2 out=${3%/}
check_jobs
check_paths data units out conf
give nj conf set max_fail force
given+=(--data "$data" --units "$units" --out "$out")

share_work "$cmd" "$nj" "$out" steps.vocoder.train "${given[@]}"
