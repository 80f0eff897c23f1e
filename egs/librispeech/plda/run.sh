#!/usr/bin/env bash
# Copyright 2026 The PseudoSpeakers developers. Apache 2.0.
#
# Do sampled speakers pass for real ones? Real speakers of LibriSpeech are enrolled; PLDA compares them with their own other
# utterances, with other real speakers, and with speakers sampled from a model of the training speakers.
# Run it in its own directory:
#
#   ./run.sh --data_dir .../LibriSpeech                        # from the corpus: the main recipe first
#   ./run.sh --stage 1 --data .../data/librispeech --exp .../exp/librispeech      # from a main recipe that has run
#
# The result is exp/verify/report/summary.md.
# shellcheck disable=SC2034 # options are read by their names, in give
set -euo pipefail
[[ ${PS_GUARD-} == "$PPID".* ]] || exec utils/guard.pl "$0" "$@" # nothing that it starts outlives it

stage=0
stop_stage=100
data_dir=
data=data
exp=exp
train=
samples=
out=exp/verify
conf_dir=conf
set=
nj=2
seed=
force=

help_message="usage: ./run.sh [--stage N] [--stop_stage M] [--option value ...]

  0 speakers  --data_dir: LibriSpeech as it is shipped; stages 0 to 5 of the main recipe  -> <data>, <exp>
  1 train     PLDA of the real training speakers, <data>/train, or of --train             -> <out>/plda
  2 trials    the real test speakers, <data>/test, and <exp>/samples/groups               -> <out>/trials
  3 score     by PLDA, and by cosines for comparison                                      -> <out>/scores
  4 kaldi     the same with Kaldi's own programs, where they are on PATH                  -> <out>/scores/kaldi
  5 report    equal error rate; acceptance of strangers and of sampled speakers           -> <out>/report
  --data, --exp   of a main recipe that has run, of any corpus; then start with --stage 1
  --train     another directory of speakers for PLDA; sampled ones will do that have several utterances (README.md)
  --samples   another directory of sampled speakers
  --out       ($out) another one for each sampling keeps all of them
  --set key=value,...   options of steps.verify.train_plda, make_trials, score_trials and report, beside plda.yaml in
  --conf_dir  ($conf_dir), where generators.txt and the files of the main recipe's stages are too
  --nj ($nj), --seed, --force true"
arguments=
. utils/parse_options.sh
. utils/given_options.sh
. utils/check_options.sh
check_stages 5
check_jobs
check_paths data_dir data exp train samples out conf_dir
[ "$stage" -gt 0 ] || [ -n "$data_dir" ] || refuse "give --data_dir, or --stage 1 with --data and --exp (see --help)"
[ -f "$conf_dir/plda.yaml" ] || refuse "--conf_dir $conf_dir: no plda.yaml there"
. ./cmd.sh
PS_PYTHON_BIN=$(utils/setup_env.sh)
export PS_PYTHON_BIN
. ./path.sh

samples=${samples:-$exp/samples/groups}
shared_with=steps.verify.train_plda,steps.verify.make_trials,steps.verify.score_trials,steps.verify.report

if [ "$stage" -le 0 ]; then
  give nj seed force
  ./main.sh --corpus librispeech --data_dir "$data_dir" --data "$data" --exp "$exp" --conf_dir "$conf_dir" \
    --generators "$conf_dir/generators.txt" "${given[@]}" --stop_stage 5
fi

add_settings seed force
conf=$conf_dir/plda.yaml
give conf set shared_with
if [ "$stage" -le 1 ] && [ "$stop_stage" -ge 1 ]; then
  python3 -m steps.verify.train_plda "${given[@]}" --data "${train:-$data/train}" --out "$out/plda"
fi
if [ "$stage" -le 2 ] && [ "$stop_stage" -ge 2 ]; then
  python3 -m steps.verify.make_trials "${given[@]}" --data "$data/test" --samples "$samples" --out "$out/trials"
fi
if [ "$stage" -le 3 ] && [ "$stop_stage" -ge 3 ]; then
  python3 -m steps.verify.score_trials "${given[@]}" --trials "$out/trials" --plda "$out/plda" --out "$out/scores/plda"
  python3 -m steps.verify.score_trials "${given[@]}" --trials "$out/trials" --out "$out/scores/cosine"
fi
if [ "$stage" -le 4 ] && [ "$stop_stage" -ge 4 ]; then
  steps/verify/kaldi_plda.sh "$out/plda/train" "$out/trials" "$out/scores/kaldi"
fi
if [ "$stage" -le 5 ] && [ "$stop_stage" -ge 5 ]; then
  scores=$out/scores/plda,$out/scores/cosine
  [ ! -e "$out/scores/kaldi/scores" ] || scores+=,$out/scores/kaldi
  python3 -m steps.verify.report "${given[@]}" --trials "$out/trials" --scores "$scores" --out "$out/report"
fi
