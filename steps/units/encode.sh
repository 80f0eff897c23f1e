#!/usr/bin/env bash
# Copyright 2026 The PseudoSpeakers developers. Apache 2.0.
#
# Encodes speech as units in several jobs: of each utterance a sequence of integers, and how many frames each of them lasts.
#
# reads   <data>: a data directory with wav.scp (and segments), or a tree <dataset>/<speaker>/<utterance>.<flac|ogg|wav>
# writes  <out>, as python3 -m steps.units.merge --help tells; logs beside it in log/<name of out>.*.log; until all jobs are done,
#         their parts in .<name of out>.parts beside it
# shellcheck disable=SC2034 # options are read by their names, in give
set -euo pipefail

help_message="usage: steps/units/encode.sh --model <dir> [options] <data> <out>
  --model       of steps/units/train.sh; with --backend hubert a directory in transformers' format
  --cmd         launcher and resources (default: run.pl)
  --nj          number of jobs (default: 2); the result does not depend on it
  --backend     encoder: kmeans (default), hubert, or module:Class
  --conf, --set options of python3 -m steps.units.compute and of the encoder: a YAML file, and key=value,... that override it,
                such as --set layer=9,kmeans=km.npz; --shared_with: commands that they are for too
  --max_fail    largest share of utterances that may fail (default: 0.01)
  --force       encode again even if nothing has changed"
cmd=run.pl
nj=2
model=
backend=
conf=
set=
shared_with=
max_fail=
force=
arguments="<data> <out>"
. utils/parse_options.sh
. utils/given_options.sh
. utils/check_options.sh
. utils/launcher/jobs.sh
. ./path.sh
data=$1 out=${2%/}
check_jobs
check_paths data out model conf
give model nj backend conf set shared_with max_fail force
given+=(--data "$data" --out "$out")

share_room "$cmd" "$nj" "$out" steps.units "${given[@]}"
