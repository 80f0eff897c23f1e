#!/usr/bin/env bash
# Copyright 2026 The PseudoSpeakers developers. Apache 2.0.
#
# Samples speakers in several jobs and merges them into one data directory.
#
# reads   <model>; <descriptions> and <text-vectors>, or the texts of --text or --text_file
# writes  <out>, a data directory; logs in <log-dir>/sample.*.log
# The texts reach the jobs in a file, never in the words of a command, which a launcher gives to a shell.
set -euo pipefail

help_message="usage: steps/generators/sample.sh [options] <descriptions> <text-vectors> <model> <out> <log-dir>
  --cmd        launcher and resources (default: run.pl)
  --nj         number of jobs (default: 2); the samples do not depend on it
  --conf       YAML options of steps.generators.sample
  --text       a description; --text_file: a file of them; neither: the groups of <descriptions>
  --n_samples  speakers for each text or group
  --seed, --temperature, --encoder, --force  as in python3 -m steps.generators.sample --help"
cmd=run.pl
nj=2
conf=conf/sample.yaml
text=
text_file=
n_samples=
seed=
temperature=
encoder=
force=false
. utils/parse_options.sh
. ./path.sh
if [ $# -ne 5 ]; then
  echo "$help_message" >&2
  exit 1
fi
descriptions=$1 text_vectors=$2 model=$3 out=$4 logs=$5

mkdir -p "$logs"
if [ -n "$text" ]; then
  [[ $text != *$'\n'* ]] || { echo "$0: ERROR: --text has a newline; write it on one line" >&2; exit 1; }
  text_file=$logs/text.txt
  printf 'text\t%s\n' "$text" >"$text_file"
fi
source=(--descriptions "$descriptions" --text_vectors "$text_vectors")
[ -z "$text_file" ] || source=(--text_file "$text_file")
options=(--conf "$conf" --model "$model" --out "$out" "${source[@]}" --nj "$nj" --force "$force"
  ${n_samples:+--n_samples "$n_samples"} ${seed:+--seed "$seed"} ${temperature:+--temperature "$temperature"}
  ${encoder:+--encoder "$encoder"})

# shellcheck disable=SC2086 # the launcher and its options are words
$cmd JOB=1:"$nj" "$logs/sample.JOB.log" python3 -m steps.generators.sample "${options[@]}" --job JOB
python3 -m steps.generators.merge_samples "${options[@]}"
