#!/usr/bin/env bash
# Copyright 2026 The PseudoSpeakers developers. Apache 2.0.
#
# Trains the k-means that turns speech into units: features of all utterances, then passes over them, in several jobs.
#
# reads   <data>: a data directory with wav.scp (and segments), or a tree <dataset>/<speaker>/<utterance>.<flac|ogg|wav>
# writes  <out>, as python3 -m steps.units.train --help tells; the features beside it in <out>_feats; logs in log/<name of out>*.log
# shellcheck disable=SC2034 # options are read by their names, in give
set -euo pipefail

help_message="usage: steps/units/train.sh [options] <data> <out>
  --cmd         launcher and resources (default: run.pl)
  --nj          number of jobs (default: 2); the model does not depend on it
  --units       how many there are (default: 100)
  --type        features: mfcc (default), logmel, or module:Class, such as steps.units.hubert_features:HubertFeatures
  --feats_set   options of the features, key=value,... (default: preset=notebook with mfcc)
  --conf, --set options of python3 -m steps.units.train: a YAML file, and key=value,... that override it
  --seed        of the first centroids (default: 0)
  --max_fail    largest share of utterances that may have no features (default: 0.01)
  --force       train again even if nothing has changed"
cmd=run.pl
nj=2
units=
type=mfcc
feats_set=
conf=
set=
seed=
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
[ "$type" != mfcc ] || feats_set=${feats_set:-preset=notebook}
feats=${out}_feats

extra=()
[ -z "$max_fail" ] || extra+=(--max_fail "$max_fail")
[ -z "$feats_set" ] || extra+=(--set "$feats_set")
steps/features/make_feats.sh --cmd "$cmd" --nj "$nj" --type "$type" "${extra[@]}" "$data" "$feats"

give nj units conf set seed force
given+=(--feats "$feats" --out "$out")
share_work "$cmd" "$nj" "$out" steps.units.train "${given[@]}"
