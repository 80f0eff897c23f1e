#!/usr/bin/env bash
# Copyright 2026 The PseudoSpeakers developers. Apache 2.0.
#
# Trains a network that tells speakers apart, as one job.
#
# reads   <feats>/{train,dev}, and <feats>/test if it is there: directories of steps/features/make_feats.sh
# writes  <model>, as python3 -m steps.sid.train --help tells; the log beside it in log/<name of model>.1.log
# shellcheck disable=SC2034 # options are read by their names, in give
set -euo pipefail

help_message="usage: steps/sid/train.sh [options] <feats> <model>
  --cmd         launcher and resources (default: run.pl)
  --num_gpus    GPUs, and processes, that train the network together (default: 1)
  --use_gpu     auto (default), true or false
  --conf, --set  options of python3 -m steps.sid.train: a YAML file, and key=value,... that override it
  --seed, --force  the same as in --set"
cmd=run.pl
conf=
set=
seed=
use_gpu=
num_gpus=
force=
arguments="<feats> <model>"
. utils/parse_options.sh
. utils/given_options.sh
. utils/check_options.sh
. utils/launcher/jobs.sh
. ./path.sh
feats=$1 model=${2%/}
check_paths feats model conf
give conf set seed use_gpu num_gpus force
given+=(--feats "$feats" --out "$model")
read_values steps.sid.train use_gpu num_gpus
[ "$num_gpus" -eq 1 ] || cmd="$cmd --gpu $num_gpus --num-threads $num_gpus"
[ "$use_gpu" != false ] || cmd="$cmd --gpu 0" # run.pl then runs several at a time

run_jobs "$cmd" JOB=1:1 "$(dirname "$model")/log/$(basename "$model").JOB.log" -- python3 -m steps.sid.train "${given[@]}"
