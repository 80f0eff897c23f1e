#!/usr/bin/env bash
# Copyright 2026 The PseudoSpeakers developers. Apache 2.0.
#
# Trains a network that tells speakers apart, as one job; or several of them by their names, one job each.
#
# reads   <feats>/{train,dev}, and <feats>/test if it is there: directories of steps/features/make_feats.sh
# writes  <model>, as python3 -m steps.sid.train --help tells; its log beside it, log/train_<name>.1.log
#         with --models: <model>/<name> for each name, logs <model>/log/train.*.log in the order of the names
# shellcheck disable=SC2034 # options are read by their names, in give
set -euo pipefail

help_message="usage: steps/sid/train.sh [options] <feats> <model>
  --cmd         launcher and resources (default: run.pl)
  --models      names of models to train in one array of jobs, each with <conf_dir>/<name>.yaml, into <model>/<name>
  --conf_dir    directory of their YAML files (default: conf)
  --num_gpus    GPUs, and processes, for each network (default: 1)
  --use_gpu     auto (default), true or false
  --conf, --set  options of python3 -m steps.sid.train: a YAML file, and key=value,... that override it
  --seed, --force  the same as in --set"
cmd=run.pl
models=
conf_dir=conf
job=
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
check_paths feats model conf conf_dir
give conf set seed use_gpu num_gpus force
given+=(--feats "$feats")
IFS=, read -ra names <<<"$models"

if [ -n "$job" ]; then # one of an array, started below
  name=${names[job - 1]}
  exec python3 -m steps.sid.train --conf "$conf_dir/$name.yaml" "${given[@]}" --out "$model/$name"
fi

for name in "${names[@]}"; do
  [[ $name =~ ^[A-Za-z0-9_][A-Za-z0-9_.-]*$ && $name != log ]] ||
    refuse "--models ${name:0:100}: expected names, separated by commas"
  [[ -f $conf_dir/$name.yaml ]] || refuse "--models $name: no $conf_dir/$name.yaml; give the directory as --conf_dir"
done
[ "$(printf '%s\n' "${names[@]}" | sort | uniq -d)" = "" ] || refuse "--models $models: a name comes twice"
given+=(--out "$model")
read_values steps.sid.train use_gpu num_gpus
[ "$num_gpus" -eq 1 ] || cmd="$cmd --gpu $num_gpus --num-threads $num_gpus"
[ "$use_gpu" != false ] || cmd="$cmd --gpu 0"
cmd="$cmd --expect-mem 3000"

if [ "${#names[@]}" -eq 0 ]; then
  log="$(dirname "$model")/log/train_$(basename "$model").JOB.log"
  run_jobs "$cmd" JOB=1:1 "$log" -- python3 -m steps.sid.train "${given[@]}"
else
  give models conf_dir conf set seed use_gpu num_gpus force
  run_jobs "$cmd" JOB=1:"${#names[@]}" "$model/log/train.JOB.log" -- steps/sid/train.sh "${given[@]}" --job JOB "$feats" "$model"
fi
