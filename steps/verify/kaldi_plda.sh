#!/usr/bin/env bash
# Copyright 2026 The PseudoSpeakers developers. Apache 2.0.
#
# PLDA and its scores by Kaldi's own programs, as its recipes call them (egs/voxceleb/v2). Not run by the tests of this project:
# Kaldi comes from no package registry. Where its programs are not on PATH, the commands are printed, to be pasted where
# they are; from the root of the recipe, as paths in script files begin there.
set -euo pipefail

dim=100
print=false
help_message="usage: steps/verify/kaldi_plda.sh [options] <training data> <trials> <out>
  <training data>  data directory with xvector.scp     <trials>  directory of steps.verify.make_trials
  <out>            scores, plda, transform.mat, mean.vec, spk_xvector.ark
  --dim ($dim)      dimensions that LDA keeps; fewer than those in which the embeddings vary
  --print true     print the commands, even where Kaldi is there"
arguments="<training data> <trials> <out>"
. utils/parse_options.sh
. utils/check_options.sh
train=$1 trials=$2 out=$3
[[ $dim =~ ^[1-9][0-9]{0,5}$ ]] || refuse "--dim ${dim:0:100}: expected a number from 1 to 999999"
[[ $print =~ ^(true|false)$ ]] || refuse "--print ${print:0:100}: expected true or false"
check_paths train trials out
missing=
for program in ivector-{mean,compute-lda,subtract-global-mean,normalize-length,compute-plda,copy-plda,plda-scoring} \
  transform-vec compute-eer; do
  command -v "$program" >/dev/null || missing+=" $program"
done
not_run="Not run here: Kaldi's programs are not on PATH:$missing"
if [[ ! $train$trials$out =~ ^[A-Za-z0-9._/+=,@%-]+$ ]]; then
  fault="$train $trials $out: blanks, quotes and the like mean something else in Kaldi's pipes; rename the directories"
  [ -n "$missing" ] && [ "$print" = false ] || refuse "$fault"
  echo "# $not_run; nor could it be run on $fault"
  exit
fi
for file in "$train"/{spk2utt,utt2spk,xvector.scp} "$trials"/{trials,pairs,enrol/spk2utt,enrol/xvector.scp,test/xvector.scp}; do
  [ -f "$file" ] || refuse "$file: no such file; run the stage that makes it first"
done

whiten="transform-vec $out/transform.mat ark:- ark:- | ivector-normalize-length ark:- ark:- |"
commands="mkdir -p $out
ivector-mean scp:$train/xvector.scp $out/mean.vec
ivector-compute-lda --total-covariance-factor=0.0 --dim=$dim \\
  'ark:ivector-subtract-global-mean scp:$train/xvector.scp ark:- |' ark:$train/utt2spk $out/transform.mat
ivector-compute-plda ark:$train/spk2utt \\
  'ark:ivector-subtract-global-mean scp:$train/xvector.scp ark:- | $whiten' $out/plda
ivector-mean ark:$trials/enrol/spk2utt scp:$trials/enrol/xvector.scp ark:$out/spk_xvector.ark ark,t:$out/num_utts.ark
ivector-plda-scoring --normalize-length=true --num-utts=ark:$out/num_utts.ark \\
  'ivector-copy-plda --smoothing=0.0 $out/plda - |' \\
  'ark:ivector-subtract-global-mean $out/mean.vec ark:$out/spk_xvector.ark ark:- | $whiten' \\
  'ark:ivector-subtract-global-mean $out/mean.vec scp:$trials/test/xvector.scp ark:- | $whiten' \\
  $trials/pairs $out/scores.partial
mv $out/scores.partial $out/scores
awk 'NR == FNR {score[\$1, \$2] = \$3; next} \$4 !~ /^sampled/ {print score[\$1, \$2], \$3}' $out/scores $trials/trials |
  compute-eer -"

if [ "$print" = true ] || [ -n "$missing" ]; then
  [ -z "$missing" ] || echo "# $not_run"
  echo "$commands"
else
  bash -euo pipefail -c "$commands"
fi
