#!/usr/bin/env bash
# Copyright 2026 The PseudoSpeakers developers. Apache 2.0.
#
# Computes features of audio in several jobs and joins them into one data directory.
#
# reads   <data>: a data directory with wav.scp (and segments), or a tree <dataset>/<speaker>/<utterance>.<flac|ogg|wav>
# writes  <out>, as python3 -m steps.features.merge --help tells; logs beside it in log/<name of out>.*.log; until all jobs are done,
#         their parts in .<name of out>.parts beside it
# shellcheck disable=SC2034 # options are read by their names, in give
set -euo pipefail

help_message="usage: steps/features/make_feats.sh [options] <data> <out>
  --cmd         launcher and resources (default: run.pl)
  --nj          number of jobs (default: 2); the features do not depend on it
  --type        logmel (default), fbank (the same), mfcc, or module:Class
  --preset      of logmel: kaldi (default), or original; of mfcc: kaldi (default), notebook or planned; as --set preset=planned
  --conf, --set options of python3 -m steps.features.compute, of the type and of copies: a YAML file, and key=value,... that
                override it, such as --set bins=64,max_fail=0.05; --shared_with: commands that they are for too
  --copies      perturbed copies of each utterance (default: 0); --seed of them (default: 0)
  --compress    true: compress the features as Kaldi does (default: false)
  --max_fail    largest share of utterances that may fail (default: 0.01)
  --force       compute again even if nothing has changed"
cmd=run.pl
nj=2
type=
preset=
conf=
set=
shared_with=
copies=
seed=
compress=
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
add_settings preset
give nj type conf set shared_with copies seed compress max_fail force
given+=(--data "$data" --out "$out")

share_room "$cmd" "$nj" "$out" steps.features "${given[@]}"
