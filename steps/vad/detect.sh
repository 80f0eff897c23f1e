#!/usr/bin/env bash
# Copyright 2026 The PseudoSpeakers developers. Apache 2.0.
#
# Detects speech in audio in several jobs: which frames are speech, and stretches of it as segments.
#
# reads   <data>: a data directory with wav.scp (and segments), or a tree <dataset>/<speaker>/<utterance>.<flac|ogg|wav>
# writes  <out>, as python3 -m steps.vad.merge --help tells; logs beside it in log/<name of out>.*.log; until all jobs are done,
#         their parts in .<name of out>.parts beside it
# shellcheck disable=SC2034 # options are read by their names, in give
set -euo pipefail

help_message="usage: steps/vad/detect.sh [options] <data> <out>
  --cmd         launcher and resources (default: run.pl)
  --nj          number of jobs (default: 2); the result does not depend on it
  --backend     detector: webrtc (default), energy, silero, ten, or module:Class
  --sample_rate Hz of the features, whose frames are counted (default: 16000)
  --conf, --set options of python3 -m steps.vad.compute, of the detector and of smoothing: a YAML file, and key=value,... that
                override it, such as --set mode=3,padding=0.1; --shared_with: commands that they are for too
  --max_fail    largest share of utterances that may fail (default: 0.01)
  --force       detect again even if nothing has changed"
cmd=run.pl
nj=2
backend=
sample_rate=
conf=
set=
shared_with=
max_fail=
force=
arguments="<data> <out>"
. utils/parse_options.sh
. utils/given_options.sh
. utils/check_options.sh
. utils/launcher/jobs.sh
. ./path.sh
data=$1 out=${2%/}
check_jobs
check_paths data out conf
give nj backend sample_rate conf set shared_with max_fail force
given+=(--data "$data" --out "$out")

share_room "$cmd" "$nj" "$out" steps.vad "${given[@]}"
