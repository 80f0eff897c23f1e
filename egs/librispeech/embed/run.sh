#!/usr/bin/env bash
# Copyright 2026 The PseudoSpeakers developers. Apache 2.0.
#
# Speaker embeddings of LibriSpeech, or of any audio: a data directory with wav.scp, or a tree <dataset>/<speaker>/<utterance>.wav.
# Run it in its own directory:
#
#   ./run.sh --data_dir .../LibriSpeech                       # segments of 3 s, Resemblyzer, on processors
#   ./run.sh --audio .../my_tree --backend eres2netv2 --set checkpoint=FILE.ckpt --gpus 4
#
# The result, exp/<name>, is what the main recipe and steps.embed.example_usage take.
# shellcheck disable=SC2034 # options are read by their names, in give
set -euo pipefail
[[ ${PS_GUARD-} == "$PPID".* ]] || exec utils/guard.pl "$0" "$@" # nothing that it starts outlives it

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
gpus=
torchrun=
pickles=

help_message="usage: ./run.sh [--stage N] [--stop_stage M] [--option value ...]

  0 prepare   --data_dir: LibriSpeech as it is shipped                                            -> data/librispeech
              --audio: a data directory or a tree of audio instead, which needs no preparation
  1 extract   --backend resemblyzer|eres2netv2|xvector|onnx|sid
              --nj ($nj), --use_gpu true: a GPU for each job; --torchrun true: for each process of one job
              --gpus 4: on four GPUs at once, in place of --use_gpu and --nj
  2 merge     --pickles true                                                                      -> exp/<name>
  3 clean up
  --name      of the result (default: the network's)
  --conf FILE, --set key=value,...   options of python3 -m local.librispeech (stage 0), of steps.embed.extract (stages 1 and
              2), and of the network"
arguments=
. utils/parse_options.sh
. utils/given_options.sh
. utils/check_options.sh
check_stages 3
check_gpus
check_jobs
check_paths data_dir audio conf
[[ -z $name || $name =~ ^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$ ]] ||
  refuse "--name $(printf %q "${name:0:100}"): expected at most 100 letters, digits, '.', '_' and '-'"
[ -n "$data_dir$audio" ] || refuse "give --data_dir or --audio (see --help)"
. ./cmd.sh
extras=audio
[ "$backend" != onnx ] || extras+=,onnx
PS_PYTHON_BIN=$(utils/setup_env.sh --extras "$extras")
export PS_PYTHON_BIN
. ./path.sh

shared_with=
if [ -z "$audio" ]; then
  add_settings backend
  set=$(python3 -m utils.key_values dataset=librispeech "$set")
  shared_with=local.librispeech,steps.embed.extract
fi
if [ -z "$audio" ] && [ "$stage" -le 0 ] && [ "$stop_stage" -ge 0 ]; then
  give conf set shared_with
  python3 -m local.librispeech "${given[@]}" --data_dir "$data_dir" --out data/librispeech
fi
give stage stop_stage nj backend conf set shared_with use_gpu gpus torchrun pickles
[ "$stop_stage" -lt 1 ] ||
  steps/embed/extract.sh --cmd "$cuda_cmd" "${given[@]}" "${audio:-data/librispeech}" "exp/${name:-${backend:-resemblyzer}}"
