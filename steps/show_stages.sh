#!/usr/bin/env bash
# Copyright 2026 The PseudoSpeakers developers. Apache 2.0.
#
# Prints which outputs of the main recipe are complete: steps/show_stages.sh <data> <exp>
# A directory is complete when it holds .done, which is written last.
set -euo pipefail

[ $# -eq 2 ] || { echo "usage: steps/show_stages.sh <data> <exp>" >&2; exit 1; }
data=$1 exp=$2

state() { # <title> <directory>...
  local title=$1 directory complete=()
  shift
  for directory in "$@"; do
    [ ! -e "$directory/.done" ] || complete+=("$(basename -- "$directory")")
  done
  printf '  %-11s %s\n' "$title" "${complete[*]:--}"
}

echo "Done in $data and $exp:"
state "0 prepare" "$data/all"
state "1 text" "$data/descriptions" "$exp/text"
state "2 split" "$data/train" "$data/dev" "$data/test"
state "3 index" "$exp/index"
generators=()
for file in "$exp"/*/generator.json; do
  generators+=("${file%/*}")
done
state "4 train" "${generators[@]}"
state "5 sample" "$exp"/samples/*
state "6 score" "$exp/score"
