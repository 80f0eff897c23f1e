#!/usr/bin/env bash
# Copyright 2026 The PseudoSpeakers developers. Apache 2.0.
#
# Measures gender, pitch and speaking rate of audio in several jobs, and cuts them into labels.
#
# reads   <data-dir>: wav.scp, segments, utt2spk, and what it knows: spk2gender, text, utt2phones; <embeddings>
# writes  <out>: utt2f0 spk2f0 utt2rate utt2pitch utt2speaking_rate utt2gender spk2gender audit.tsv histograms.png
#         summary.json ...; logs in <log-dir>/measure.*.log
# shellcheck disable=SC2034 # options are read by their names, in give
set -euo pipefail

help_message="usage: steps/attributes/measure.sh [options] --rules <yaml> <data-dir> <embeddings> <out> [<log-dir>]
  --cmd        launcher and resources (default: run.pl)
  --nj         number of jobs (default: 2); the result does not depend on it
  --rules      YAML file of the bins: attribute, labels, edges or terciles for each unit
  --conf, --set  options of python3 -m steps.attributes.label: a YAML file, and key=value,... that override it;
               --shared_with: commands that they are for too
  --seed, --force  the same as in --set
<embeddings> is a directory with xvector.scp, or a script file; <log-dir> is log beside <out> if it is not given."
cmd=run.pl
nj=2
rules=
conf=
set=
shared_with=
seed=
force=
arguments="<data-dir> <embeddings> <out> [<log-dir>]"
. utils/parse_options.sh
. utils/given_options.sh
. utils/check_options.sh
. utils/launcher/jobs.sh
. ./path.sh
data=$1 embeddings=$2 out=${3%/} logs=${4-}
check_jobs
check_paths data embeddings out logs rules conf
[ -n "$rules" ] || refuse "give --rules (see --help)"
logs=${logs:-$(dirname "$out")/log}

mkdir -p "$logs"
python3 -m steps.attributes.plan --data "$data" --out "$out"
run_jobs "$cmd" JOB=1:"$nj" "$logs/measure.JOB.log" -- python3 -m steps.attributes.measure --out "$out" --nj "$nj" --job JOB
give rules conf set shared_with seed force
python3 -m steps.attributes.label --data "$data" --embeddings "$embeddings" --out "$out" "${given[@]}"
