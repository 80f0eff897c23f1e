#!/usr/bin/env bash
# Copyright 2026 The PseudoSpeakers developers. Apache 2.0.
#
# Draws unit sequences from a network of units, in several jobs.
#
# reads   <model> of steps/unit_lm/train.sh; --prompts: a directory of unit sequences to continue
# writes  <out>, a directory of unit sequences, as python3 -m steps.unit_lm.sample --help tells; logs beside it in
#         log/<name of out>.*.log
# shellcheck disable=SC2034 # options are read by their names, in give
set -euo pipefail

help_message="usage: steps/unit_lm/sample.sh [options] <model> <out>
  --cmd         launcher and resources (default: run.pl)
  --nj          number of jobs (default: 2); the samples do not depend on it
  --conf, --set options of python3 -m steps.unit_lm.sample: a YAML file, and key=value,... that override it, such as
                --set temperature=0.8,top_k=20,top_p=0.95
  --n           sequences to draw, of each prompt if there are any (default: 10)
  --prompts, --seed, --force  the same as in --set"
cmd=run.pl
nj=2
conf=
set=
n=
prompts=
seed=
force=
arguments="<model> <out>"
. utils/parse_options.sh
. utils/given_options.sh
. utils/check_options.sh
. utils/launcher/jobs.sh
. ./path.sh
model=$1 out=${2%/}
check_jobs
check_paths model out conf prompts
give nj conf set n prompts seed force
given+=(--model "$model" --out "$out")

share_work "$cmd" "$nj" "$out" steps.unit_lm.sample "${given[@]}"
