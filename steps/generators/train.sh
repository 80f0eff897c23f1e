#!/usr/bin/env bash
# Copyright 2026 The PseudoSpeakers developers. Apache 2.0.
#
# Trains every generator of a list, one job each, and waits for them.
#
# reads   <index>/{train,dev}, <descriptions>, <text-vectors>, the list of generators
# writes  <exp>/<name> for each line of the list, logs in <exp>/log/train.*.log
# shellcheck disable=SC2034 # options are read by their names, in give
set -euo pipefail

help_message="usage: steps/generators/train.sh [options] <index> <descriptions> <text-vectors> <exp>
  --cmd         launcher and resources (default: run.pl)
  --generators  list of generators (default: conf/generators.txt)
  --num_gpus    GPUs, and processes, for each network (default: 1)
  --conf, --set  options of python3 -m steps.generators.train, and of the generators, each of which has those that it
                knows: a YAML file, and key=value,... that override it
  --seed, --use_gpu, --force  the same as in --set"
cmd=run.pl
generators=
conf=
set=
seed=
use_gpu=
num_gpus=
force=
. utils/parse_options.sh
. utils/given_options.sh
. utils/launcher/jobs.sh
. ./path.sh
if [ $# -ne 4 ]; then
  echo "$help_message" >&2
  exit 1
fi
give generators conf set seed use_gpu num_gpus force
given+=(--index "$1" --descriptions "$2" --text_vectors "$3" --out "$4")
read_values steps.generators.train generators use_gpu num_gpus
[ -r "$generators" ] || { echo "$0: ERROR: cannot read the list of generators '$generators'" >&2; exit 1; }
n_generators=$(grep -cvE '^[[:space:]]*(#|$)' "$generators") ||
  { echo "$0: ERROR: $generators: no generator in it; expected lines 'name fit conf'" >&2; exit 1; }
[ "$num_gpus" -eq 1 ] || cmd="$cmd --gpu $num_gpus --num-threads $num_gpus"
[ "$use_gpu" != false ] || cmd="$cmd --gpu 0" # run.pl then runs several at a time

run_jobs "$cmd" JOB=1:"$n_generators" "$4/log/train.JOB.log" -- python3 -m steps.generators.train "${given[@]}" --job JOB
