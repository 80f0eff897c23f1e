#!/usr/bin/env bash
# Copyright 2026 The PseudoSpeakers developers. Apache 2.0.
#
# Extracts speaker embeddings in several jobs and merges them into one directory.
#
# reads   <data>: a data directory with wav.scp (and segments), or a tree <dataset>/<speaker>/<utterance>.<flac|ogg|wav>
# writes  <out>, as python3 -m steps.embed.merge --help tells; logs beside it in log/<name of out>.*.log; until stage 3 the parts
#         of the jobs in .<name of out>.parts beside it
# shellcheck disable=SC2034 # options are read by their names, in give
set -euo pipefail

help_message="usage: steps/embed/extract.sh [options] <data> <out>
  --cmd         launcher and resources (default: run.pl)
  --nj          number of jobs (default: 2); the embeddings do not depend on it
  --backend     network: resemblyzer (default), eres2netv2, xvector, onnx, sid, or module:Class
  --conf, --set options of python3 -m steps.embed.extract and of the network: a YAML file, and key=value,... that override
                it, such as --set checkpoint=FILE,max_fail=0.05; --shared_with: commands that they are for too
  --use_gpu     each job on a GPU (default: false)
  --gpus        on so many GPUs at once, a job each: in place of --use_gpu and --nj
  --torchrun    true: one job with --nj processes, with GPUs one each (default: false)
  --stage, --stop_stage  1 extract, 2 merge, 3 clean up (default: 1 to 3)
  --pickles     also write <out>/pickles, for those who load the dictionaries of 3D-Speaker (default: false)
  --force       extract again even if nothing has changed"
cmd=run.pl
nj=2
backend=
conf=
set=
shared_with=
use_gpu=
gpus=
torchrun=false
stage=1
stop_stage=3
pickles=false
force=
arguments="<data> <out>"
. utils/parse_options.sh
. utils/given_options.sh
. utils/check_options.sh
. utils/launcher/jobs.sh
. ./path.sh
data=$1 out=${2%/}
check_stages 3
check_gpus
check_jobs
check_paths data out conf
[ -z "$gpus" ] || use_gpu=true nj=$gpus cmd="$cmd --gpu 1"
give nj backend conf set shared_with use_gpu force
given+=(--data "$data" --out "$out")
read_values steps.embed.extract use_gpu
[ "$use_gpu" = true ] || cmd="$cmd --gpu 0" # run.pl then runs several at a time

if [ "$stage" -le 1 ] && [ "$stop_stage" -ge 1 ]; then
  python3 -m steps.embed.plan "${given[@]}"
  jobs=$nj
  job=(python3 -m steps.embed.extract "${given[@]}" --job JOB)
  if [ "$torchrun" = true ]; then
    jobs=1
    job=(python3 -m torch.distributed.run --standalone --nproc_per_node "$nj" -m steps.embed.extract "${given[@]}")
    [ "$use_gpu" != true ] || cmd="$cmd --gpu $nj"
  fi
  run_jobs "$cmd" JOB=1:"$jobs" "$(dirname "$out")/log/$(basename "$out").JOB.log" -- "${job[@]}"
fi

if [ "$stage" -le 2 ] && [ "$stop_stage" -ge 2 ]; then
  python3 -m steps.embed.merge "${given[@]}"
  [ "$pickles" != true ] || python3 -m steps.embed.write_pickles --embeddings "$out"
fi

if [ "$stage" -le 3 ] && [ "$stop_stage" -ge 3 ]; then
  python3 -m steps.embed.clean "${given[@]}"
fi
