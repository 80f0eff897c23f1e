#!/usr/bin/env bash
# Copyright 2026 The PseudoSpeakers developers. Apache 2.0.
#
# Trains every generator of a list, one job each, and waits for them.
#
# reads   <index>/{train,dev}, <descriptions>, <text-vectors>, the list of generators
# writes  <exp>/<name> for each line of the list, logs in <exp>/log/train.*.log
set -euo pipefail

help_message="usage: steps/generators/train.sh [options] <index> <descriptions> <text-vectors> <exp>
  --cmd         launcher and resources (default: run.pl)
  --generators  list of generators (default: conf/generators.txt)
  --seed        override the seeds of all generators
  --set         key=value,... for every generator that is trained: give a list of one
  --use_gpu     auto | true | false
  --force       true to train again"
cmd=run.pl
generators=conf/generators.txt
seed=
set=
use_gpu=auto
force=false
. utils/parse_options.sh
. ./path.sh
if [ $# -ne 4 ]; then
  echo "$help_message" >&2
  exit 1
fi
n_generators=$(grep -cvE '^[[:space:]]*(#|$)' "$generators") || { echo "$0: ERROR: no generators in '$generators'" >&2; exit 1; }

[ "$use_gpu" != false ] || cmd="$cmd --gpu 0" # run.pl then runs several at a time
# shellcheck disable=SC2086 # the launcher and its options are words
$cmd JOB=1:"$n_generators" "$4/log/train.JOB.log" \
  python3 -m steps.generators.train --job JOB --generators "$generators" --use_gpu "$use_gpu" --force "$force" \
  ${seed:+--seed "$seed"} ${set:+--set "$set"} \
  --index "$1" --descriptions "$2" --text_vectors "$3" --out "$4"
