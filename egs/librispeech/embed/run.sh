#!/usr/bin/env bash
# Copyright 2026 The PseudoSpeakers developers. Apache 2.0.
#
# Speaker embeddings of LibriSpeech, or of any audio: a data directory with wav.scp, or a tree <dataset>/<speaker>/<utterance>.wav.
# Run it in its own directory:
#
#   ./run.sh --data_dir .../LibriSpeech                       # segments of 3 s, Resemblyzer, on processors
#   ./run.sh --audio .../my_tree --backend eres2netv2 --set checkpoint=FILE.ckpt --use_gpu true --nj 4
#
# The result, exp/<name>, is what the main recipe and steps.embed.example_usage take.
# shellcheck disable=SC2034 # options are read by their names, in give
set -euo pipefail

stage=0
stop_stage=3
data_dir=
audio=
name=
backend=
conf=
set=
nj=2
use_gpu=
torchrun=
max_fail=
pickles=
segment_seconds=
hop_seconds=
subsets=

help_message="usage: ./run.sh [--stage N] [--stop_stage M] [--option value ...]

  0 prepare   --data_dir: LibriSpeech as it comes; --subsets, --segment_seconds, --hop_seconds    -> data/librispeech
              --audio: a data directory or a tree of audio instead, which needs no preparation
  1 extract   --backend resemblyzer|eres2netv2|xvector|onnx, its --conf and --set key=value,...
              --nj ($nj), --use_gpu true: a GPU for each job; --torchrun true: for each process of one job
  2 merge     --max_fail, --pickles true                                                          -> exp/<name>
  3 clean up
  --name      of the result (default: the network's)"
. utils/parse_options.sh
. utils/given_options.sh
. ./cmd.sh
PS_PYTHON_BIN=$(utils/setup_env.sh --extras audio)
export PS_PYTHON_BIN
. ./path.sh

if [ -z "$audio" ] && [ "$stage" -le 0 ] && [ "$stop_stage" -ge 0 ]; then
  [ -n "$data_dir" ] || { echo "$0: ERROR: give --data_dir or --audio (see --help)" >&2; exit 1; }
  give subsets segment_seconds hop_seconds
  python3 -m local.librispeech "${given[@]}" --data_dir "$data_dir" --out data/librispeech
fi

dataset=
[ -n "$audio" ] || dataset=librispeech
give dataset stage stop_stage nj backend conf set use_gpu torchrun max_fail pickles
[ "$stop_stage" -lt 1 ] ||
  steps/embed/extract.sh --cmd "$cuda_cmd" "${given[@]}" "${audio:-data/librispeech}" "exp/${name:-${backend:-resemblyzer}}"
