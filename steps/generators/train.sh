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
  --seed, --use_gpu, --nuisance, --force  the same as in --set"
cmd=run.pl
generators=
conf=
set=
seed=
use_gpu=
num_gpus=
nuisance=
force=
arguments="<index> <descriptions> <text-vectors> <exp>"
. utils/parse_options.sh
. utils/given_options.sh
. utils/check_options.sh
. utils/launcher/jobs.sh
. ./path.sh
index=$1 descriptions=$2 text_vectors=$3 exp=$4
check_paths index descriptions text_vectors exp generators conf
give generators conf set seed use_gpu num_gpus nuisance force
given+=(--index "$index" --descriptions "$descriptions" --text_vectors "$text_vectors" --out "$exp")
read_values steps.generators.train generators use_gpu num_gpus
[[ -f $generators && -r $generators ]] || refuse "cannot read the list of generators '$generators'"
n_generators=$(grep -cvE '^[[:space:]]*(#|$)' "$generators") ||
  refuse "$generators: no generator in it; expected lines 'name fit conf'"
for ((job = 1; job <= n_generators; job++)); do
  is_done python3 -m steps.generators.train "${given[@]}" --job "$job" || break
done
if [ "$job" -gt "$n_generators" ]; then
  echo "$0: all $n_generators generators are up to date" >&2
  exit
fi
[ "$num_gpus" -eq 1 ] || cmd="$cmd --gpu $num_gpus --num-threads $num_gpus"
[ "$use_gpu" != false ] || cmd="$cmd --gpu 0"
bytes=$(stat -Lc %s "$index/train/xvector.ark" 2>/dev/null || echo 0)
cmd="$cmd --expect-mem $((700 + 8 * bytes / 1000000))" # measured, with a margin

run_jobs "$cmd" JOB=1:"$n_generators" "$exp/log/train.JOB.log" -- python3 -m steps.generators.train "${given[@]}" --job JOB
