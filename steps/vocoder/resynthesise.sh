#!/usr/bin/env bash
# Copyright 2026 The PseudoSpeakers developers. Apache 2.0.
#
# Speaks unit sequences in several jobs: a wav file of each, in the folders that the recordings had.
#
# reads   <units>: a directory of unit sequences, of steps/units/encode.sh or steps/unit_lm/sample.sh
# writes  <out>, as python3 -m steps.vocoder.resynthesise --help tells; logs beside it in log/<name of out>.*.log; until all jobs are
#         done, their parts in .<name of out>.parts beside it
# shellcheck disable=SC2034 # options are read by their names, in give
set -euo pipefail

help_message="usage: steps/vocoder/resynthesise.sh --model <dir> [options] <units> <out>
  --model       of steps/vocoder/train.sh; with --backend codehifigan a directory with config.json and a checkpoint
  --cmd         launcher and resources (default: run.pl)
  --nj          number of jobs (default: 2); the result does not depend on it
  --backend     vocoder: griffin_lim (default), codehifigan, or module:Class
  --conf, --set options of python3 -m steps.vocoder.resynthesise and of the vocoder: a YAML file, and key=value,... that override
                it, such as --set iterations=60; --shared_with: commands that they are for too
  --force       speak again even if nothing has changed"
cmd=run.pl
nj=2
model=
backend=
conf=
set=
shared_with=
force=
arguments="<units> <out>"
. utils/parse_options.sh
. utils/given_options.sh
. utils/check_options.sh
. utils/launcher/jobs.sh
. ./path.sh
units=$1 out=${2%/}
check_jobs
check_paths units out model conf
give model nj backend conf set shared_with force
given+=(--units "$units" --out "$out")

share_work "$cmd" "$nj" "$out" steps.vocoder.resynthesise "${given[@]}"
