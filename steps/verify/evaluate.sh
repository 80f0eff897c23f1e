#!/usr/bin/env bash
# Copyright 2026 The PseudoSpeakers developers. Apache 2.0.
#
# Judges systems that recognise speakers, in one job: trained networks, baselines, and back-ends of steps/embed, whose embeddings it
# extracts first.
#
# reads   <feats>/{train,test,test_perturbed,open,open_perturbed}, and for back-ends the audio of the same sets in <data>
# writes  <out>, as python3 -m steps.verify.evaluate --help tells, with its log in <out>/log
# shellcheck disable=SC2034 # options are read by their names, in give
set -euo pipefail

help_message="usage: steps/verify/evaluate.sh [options] <data> <feats> <out>
  --cmd         launcher and resources (default: run.pl)
  --models      directories of trained networks, with commas between them
  --backends    of steps/embed, such as resemblyzer, with commas between them
  --nj          jobs that extract the embeddings of a back-end (default: 2)
  --conf, --set options of python3 -m steps.verify.evaluate: a YAML file, and key=value,... that override it
  --use_gpu, --seed, --force  the same as in --set"
cmd=run.pl
models=
backends=
nj=2
conf=
set=
use_gpu=
seed=
force=
arguments="<data> <feats> <out>"
. utils/parse_options.sh
. utils/given_options.sh
. utils/check_options.sh
. utils/launcher/jobs.sh
. ./path.sh
data=$1 feats=$2 out=${3%/}
check_jobs
check_paths data feats out conf
[ "$use_gpu" = true ] || cmd="$cmd --gpu 0" # run.pl then runs several at a time

embed_on=false
[ "$use_gpu" != true ] || embed_on=true
for backend in ${backends//,/ }; do
  for name in train test test_perturbed open open_perturbed; do
    [ -e "$feats/$name" ] || continue
    give nj backend force
    steps/embed/extract.sh --cmd "$cmd" "${given[@]}" --use_gpu "$embed_on" "$data/$name" "$out/embed/$backend/$name"
  done
done

give conf set models backends use_gpu seed force
run_jobs "$cmd" JOB=1:1 "$out/log/evaluate.JOB.log" -- python3 -m steps.verify.evaluate "${given[@]}" --feats "$feats" --out "$out"
echo "The report is $out/report/report.html, its tables in words $out/report/summary.md"
