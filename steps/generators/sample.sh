#!/usr/bin/env bash
# Copyright 2026 The PseudoSpeakers developers. Apache 2.0.
#
# Samples speakers in several jobs and merges them into one data directory.
#
# reads   <model>; <descriptions> and <text-vectors>, or the texts of --text or --text_file
# writes  <out>, a data directory; logs in <log-dir>/sample.*.log; until all jobs are done, their parts in .<name of out>.parts
#         beside it
# A text of --text reaches the jobs in a file, never in the words of a command, which a launcher gives to a shell; so do
# texts of a pipe, which can be read once.
# shellcheck disable=SC2034 # options are read by their names, in give
set -euo pipefail

help_message="usage: steps/generators/sample.sh [options] <descriptions> <text-vectors> <model> <out> <log-dir>
  --cmd        launcher and resources (default: run.pl)
  --nj         number of jobs (default: 2); the samples do not depend on it
  --conf, --set  options of python3 -m steps.generators.sample: a YAML file, and key=value,... that override it
  --text       a description; --text_file: a file or pipe (-) of them; neither: the groups of <descriptions>
  --n_samples, --utts_per_speaker, --seed, --temperature, --force  the same as in --set"
cmd=run.pl
nj=2
conf=
set=
text=- # no text; an empty one is an error
text_file=
n_samples=
utts_per_speaker=
seed=
temperature=
force=
arguments="<descriptions> <text-vectors> <model> <out> <log-dir>"
. utils/parse_options.sh
. utils/given_options.sh
. utils/check_options.sh
. utils/launcher/jobs.sh
. ./path.sh
descriptions=$1 text_vectors=$2 model=$3 out=$4 logs=$5
check_jobs
check_paths descriptions text_vectors model out logs text_file conf

mkdir -p "$logs"
if [ "$text" != - ]; then
  [ -z "$text_file" ] || { echo "$0: ERROR: give --text or --text_file, not both" >&2; exit 1; }
  [[ $text != *$'\n'* ]] || { echo "$0: ERROR: --text has a newline; write it on one line" >&2; exit 1; }
  text_file=$logs/text.txt
  printf 'text\t%s\t\n' "$text" >"$text_file" # no gender in the third column
elif [[ $text_file == - || $text_file == /dev/* || -p $text_file ]]; then # only this script has the pipe
  cat -- "$text_file" >"$logs/text.txt"
  text_file=$logs/text.txt
fi
give nj conf set text_file n_samples utts_per_speaker seed temperature force
[ -n "$text_file" ] || given+=(--descriptions "$descriptions" --text_vectors "$text_vectors")
given+=(--model "$model" --out "$out")

! is_done python3 -m steps.generators.merge_samples "${given[@]}" || exit 0
python3 -m steps.generators.plan_samples "${given[@]}"
run_jobs "$cmd" JOB=1:"$nj" "$logs/sample.JOB.log" -- python3 -m steps.generators.sample "${given[@]}" --job JOB
python3 -m steps.generators.merge_samples "${given[@]}"
