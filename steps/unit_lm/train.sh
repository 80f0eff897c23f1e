#!/usr/bin/env bash
# Copyright 2026 The PseudoSpeakers developers. Apache 2.0.
#
# Trains a language model of units, as one job: a network, or with --order n-grams.
#
# reads   <train>, <dev>: directories of unit sequences (steps/units/encode.sh), of different speakers
# writes  <model>, as python3 -m steps.unit_lm.train --help tells; its log beside it, log/train_<name>.1.log
# shellcheck disable=SC2034 # options are read by their names, in give
set -euo pipefail

help_message="usage: steps/unit_lm/train.sh [options] <train> <dev> <model>
  --cmd         launcher and resources (default: run.pl)
  --order       count n-grams of so many units (python3 -m steps.unit_lm.train_ngram) and train no network
  --num_gpus    GPUs, and processes, for the network (default: 1)
  --use_gpu     auto (default), true or false
  --conf, --set  options of the command: a YAML file, and key=value,... that override it, such as
                --set network=transformer,hidden=256,lr=1e-05
  --seed, --force  the same as in --set"
cmd=run.pl
order=
conf=
set=
seed=
use_gpu=
num_gpus=
force=
arguments="<train> <dev> <model>"
. utils/parse_options.sh
. utils/given_options.sh
. utils/check_options.sh
. utils/launcher/jobs.sh
. ./path.sh
train=$1 dev=$2 model=${3%/}
check_paths train dev model conf
log="$(dirname "$model")/log/train_$(basename "$model").JOB.log"

if [ -n "$order" ]; then
  [ -z "$seed$use_gpu$num_gpus" ] || refuse "--order $order: n-grams take no --seed, --use_gpu and --num_gpus"
  give order conf set force
  given+=(--train "$train" --out "$model")
  ! is_done python3 -m steps.unit_lm.train_ngram "${given[@]}" || exit 0
  run_jobs "$cmd" JOB=1:1 "$log" -- python3 -m steps.unit_lm.train_ngram "${given[@]}"
  exit 0
fi
give conf set seed use_gpu num_gpus force
given+=(--train "$train" --dev "$dev" --out "$model")
! is_done python3 -m steps.unit_lm.train "${given[@]}" || exit 0
read_values steps.unit_lm.train use_gpu num_gpus
[ "$num_gpus" -eq 1 ] || cmd="$cmd --gpu $num_gpus --num-threads $num_gpus"
[ "$use_gpu" != false ] || cmd="$cmd --gpu 0"
run_jobs "$cmd --expect-mem 3000" JOB=1:1 "$log" -- python3 -m steps.unit_lm.train "${given[@]}"
