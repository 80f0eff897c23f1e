#!/usr/bin/env bash
# Copyright 2026 The PseudoSpeakers developers. Apache 2.0.
#
# Stage 0 for corpora of audio: recordings -> embeddings and attributes -> data/<corpus>/all.
#
# reads   --data_dir: LibriSpeech as it comes, or a tree of audio with --labels, a table of what is known
# writes  <data>/audio, <exp>/embed, <exp>/attributes, <data>/all
# shellcheck disable=SC2034 # options are read by their names, in give
set -euo pipefail

help_message="usage: local/prepare_audio.sh [options] librispeech|folder <data> <exp>
  --cmd, --nj   launcher and resources (default: run.pl), number of jobs (default: 2)
  --data_dir, --subsets, --labels, --segment_seconds, --hop_seconds, --max_fail
                as in python3 -m local.librispeech --help and local.folder
  --backend, --backend_conf, --backend_set, --use_gpu   as --backend, --conf, --set of steps/embed/extract.sh
  --rate_from, --lexicon, --gender_model, --gender_threshold, --seed   as in steps/attributes/measure.sh
  --attributes, --max_unknown, --force"
cmd=run.pl
nj=2
data_dir=
subsets=
labels=
segment_seconds=
hop_seconds=
max_fail=
backend=
backend_conf=
backend_set=
use_gpu=
rate_from=
lexicon=
gender_model=
gender_threshold=
seed=
attributes=
max_unknown=
force=
. utils/parse_options.sh
. utils/given_options.sh
. ./path.sh
if [ $# -ne 3 ]; then
  echo "$help_message" >&2
  exit 1
fi
corpus=$1 data=$2 exp=$3

give data_dir segment_seconds hop_seconds max_fail force
case $corpus in
  librispeech) [ -z "$subsets" ] || given+=(--subsets "$subsets") ;;
  folder)
    [ -z "$labels" ] || given+=(--labels "$labels")
    [ -z "$attributes" ] || given+=(--attributes "$attributes")
    ;;
esac
python3 -m "local.$corpus" "${given[@]}" --out "$data/audio"

[ "$use_gpu" != auto ] || use_gpu= # embeddings are extracted on GPUs only on request
conf=$backend_conf
set=$backend_set
give nj backend conf set use_gpu max_fail force
given+=(--dataset "$corpus")
steps/embed/extract.sh --cmd "$cmd" "${given[@]}" "$data/audio" "$exp/embed"

# Genders that the corpus does not tell are judged; a model for the default network is at hand.
[ -n "$gender_model" ] || [ -e "$data/audio/spk2gender" ] || [ "${backend:-resemblyzer}" != resemblyzer ] ||
  gender_model=local/rules/gender_resemblyzer.safetensors
give nj rate_from lexicon gender_model gender_threshold max_fail seed force
steps/attributes/measure.sh --cmd "$cmd --gpu 0" "${given[@]}" --rules local/rules/attributes.yaml \
  "$data/audio" "$exp/embed" "$exp/attributes" "$exp/log"

give attributes max_unknown force
python3 -m local.join_audio "${given[@]}" \
  --audio "$data/audio" --embeddings "$exp/embed" --measured "$exp/attributes" --out "$data/all"
