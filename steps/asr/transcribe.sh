#!/usr/bin/env bash
# Copyright 2026 The PseudoSpeakers developers. Apache 2.0.
#
# Recognises the speech of audio in several jobs: what was said, as a data directory with text.
#
# reads   <data>: a data directory with wav.scp (and segments), or a tree <dataset>/<speaker>/<utterance>.<flac|ogg|wav>
# writes  <out>, as python3 -m steps.asr.merge --help tells; logs beside it in log/<name of out>.*.log; until all jobs are done,
#         their journals in .<name of out>.parts beside it: each utterance that is done stays done, whatever is killed
# shellcheck disable=SC2034 # options are read by their names, in give
set -euo pipefail

help_message="usage: steps/asr/transcribe.sh [options] <data> <out>
  --cmd         launcher and resources (default: run.pl)
  --nj          number of jobs (default: 2); the result does not depend on it
  --backend     recogniser: pocketsphinx (default), whisper, faster_whisper, nemo_salm, or module:Class
  --keep_text   true (default): utterances that have words in the data's text keep them; false: all are recognised
  --conf, --set options of python3 -m steps.asr.compute and of the recogniser: a YAML file, and key=value,... that override
                it, such as --set grammar=conf/asr/digits.jsgf; --shared_with: commands that they are for too
  --max_fail    largest share of utterances that may fail (default: 0.01)
  --force       recognise again even if nothing has changed"
cmd=run.pl
nj=2
backend=
keep_text=
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
give nj backend keep_text conf set shared_with max_fail force
given+=(--data "$data" --out "$out")

share_room "$cmd" "$nj" "$out" steps.asr "${given[@]}"
