#!/usr/bin/env bash
# Copyright 2026 The PseudoSpeakers developers. Apache 2.0.
#
# Who speaks? Trains networks that recognise speakers, and judges them on other recordings of the same speakers (closed set) and
# on speakers never seen (open set). Run it in its own directory. Without options it makes its own corpus and needs no data.
# shellcheck disable=SC2034 # options are read by their names, in give
set -euo pipefail
[[ ${PS_GUARD-} == "$PPID".* ]] || exec utils/guard.pl "$0" "$@" # nothing that it starts outlives it

stage=0
stop_stage=100
corpus=synthetic
data_dir=
parts=
corpora=corpora
labels=
split_mode=
open_set=
data=
exp=
conf_dir=
set=
force=false
seed=
nj=2
launcher=
preset=
copies=1
models=
backends=
use_gpu=
num_gpus=

help_message() {
  cat <<END
usage: ./run.sh [--stage N] [--stop_stage M] [--option value ...] [--set STAGE.KEY=VALUE,...]

  0 get       librispeech without --data_dir: the parts of OpenSLR 12 that --parts names   -> <corpora>/LibriSpeech
  1 prepare   the corpus, and its split into a closed set and speakers never seen          -> <data>/{all,train,dev,test,open}
              test and open once more in other rooms, with noise                           -> <data>/{test,open}_perturbed
  2 features  log-mels of all sets                                                         -> <exp>/feats
  3 charts    of the data                                                                  -> <exp>/charts
  4 train     the networks of --models                                                     -> <exp>/<network>
  5 evaluate  closed set and open set, clean and perturbed, with baselines                 -> <exp>/evaluation
  6 losses    charts of the trainings                                                      -> <exp>/losses
  7 profile   memory and time of each network                                              -> <exp>/profile

Everywhere:   --data (data/<corpus>) --exp (exp/<corpus>) --nj ($nj) --force true (redo finished stages) --seed
              --launcher run.pl|slurm.pl (in place of the one in cmd.sh) --use_gpu auto|true|false (stages 4, 5, 7)
0 get:        --parts (train-clean-100,dev-clean,test-clean; of a --data_dir: all that are there) --corpora ($corpora)
1 prepare:    --corpus ($corpus); librispeech or folder with --data_dir, a local copy of the corpus
              --labels (folder: a table of what is known)
              --split_mode chapter|random|segment|speaker (chapter, or random where none is known)
              --open_set (.25 of the speakers; or subsets of LibriSpeech, test-clean if it is there; 0: none)
2 features:   --preset kaldi|original (of the networks, too) --copies ($copies: perturbed copies of each training utterance)
4 train:      --models (conv1d,mamba2: each a file <network>.yaml of --conf_dir) --num_gpus (1: processes for each network)
5 evaluate:   --backends resemblyzer|none (resemblyzer; of the synthetic corpus none): a network of steps/embed, judged too
Others:       --set train.epochs=20,split.split_seed=3,... or a file <stage>.yaml of --conf_dir (conf, or of the
              synthetic corpus conf/synthetic). Options above go before --set, --set before the file.
Options of a stage with meanings and defaults: python3 -m <command> --help
  get         local.download               prepare    local.<corpus>           split      steps.data.split_utterances
  perturb     steps.audio.perturb          features   steps.features.compute   charts     steps.features.chart
  train       steps.sid.train              losses     steps.training.charts    profile    steps.sid.profile
  evaluate    steps.verify.evaluate
Every option takes a value; dashes and underscores are the same. Launchers and resources are in cmd.sh.
END
}
arguments=
. utils/parse_options.sh
. utils/given_options.sh
. utils/check_options.sh
check_stages 7
check_jobs
data=${data:-data/$corpus}
exp=${exp:-exp/$corpus}
check_paths data exp data_dir corpora labels conf_dir
[[ $corpus =~ ^(synthetic|librispeech|folder)$ ]] ||
  refuse "--corpus ${corpus:0:100}: expected synthetic, librispeech or folder"
[[ -z $data_dir || $corpus != synthetic ]] || refuse "--data_dir $data_dir: say what it holds, --corpus librispeech or folder"
[[ -n $data_dir || $corpus != folder || $stage -gt 1 ]] || refuse "--corpus folder: give --data_dir, the directory of its audio"
[[ -z $labels || $corpus = folder ]] || refuse "--labels $labels: is for --corpus folder"
[[ $split_mode =~ ^(|chapter|random|segment|speaker)$ ]] ||
  refuse "--split_mode ${split_mode:0:100}: expected chapter, random, segment or speaker"
[[ $open_set =~ ^(|[0-9.]+|[a-z][a-z0-9,-]*)$ ]] ||
  refuse "--open_set ${open_set:0:100}: expected a share of the speakers, such as .25, or subsets of LibriSpeech, such as test-clean"
[[ $preset =~ ^(|kaldi|original)$ ]] || refuse "--preset ${preset:0:100}: expected kaldi or original"
[[ $copies =~ ^(0|[1-9][0-9]{0,2})$ ]] || refuse "--copies ${copies:0:100}: expected a number, 0 to 999"
[[ -z $use_gpu || $use_gpu =~ ^(auto|true|false)$ ]] || refuse "--use_gpu ${use_gpu:0:100}: expected auto, true or false"
[[ -z $launcher || ( $launcher =~ ^[A-Za-z0-9_]+\.pl$ && -f utils/$launcher && -x utils/$launcher ) ]] ||
  refuse "--launcher $(printf %q "${launcher:0:100}"): expected run.pl or slurm.pl"
if [ "$corpus" = synthetic ]; then # what is small is quicker without a GPU
  conf_dir=${conf_dir:-conf/synthetic} use_gpu=${use_gpu:-false} backends=${backends:-none}
fi
conf_dir=${conf_dir:-conf}
models=${models:-conv1d,mamba2}
backends=${backends:-resemblyzer}
[ "$backends" != none ] || backends=
[[ $backends =~ ^(|resemblyzer)$ ]] ||
  refuse "--backends $(printf %q "${backends:0:100}"): expected resemblyzer, the one that needs no file of weights, or none"
[[ -d $conf_dir ]] || refuse "--conf_dir $conf_dir: no such directory"
[[ ! -e $conf_dir/train.yaml ]] || refuse "$conf_dir/train.yaml: each network has a file of its own, such as conv1d.yaml"
[[ $models =~ ^[A-Za-z0-9_]{1,100}(,[A-Za-z0-9_]{1,100})*$ ]] ||
  refuse "--models $(printf %q "${models:0:100}"): expected names with commas between them, such as conv1d,mamba2"
for model in ${models//,/ }; do
  [[ ! $model =~ ^(log|feats|charts|evaluation|losses|profile)$ ]] || refuse "--models $model: $exp/$model is for something else"
  [[ -f $conf_dir/$model.yaml ]] || refuse "--models $model: no file $conf_dir/$model.yaml"
done
[ "$force" = true ] || force= # --set train.force=true redoes one stage
export PS_LAUNCHER=${launcher:-${PS_LAUNCHER:-}}
. ./cmd.sh

. utils/lock_dir.sh
lock_dir "$exp"
[ "$stage" -gt 1 ] || [ "$data" -ef "$exp" ] || lock_dir "$data"
PS_PYTHON_BIN=$(utils/setup_env.sh --extras audio)
export PS_PYTHON_BIN
. ./path.sh
start_answering # what has nothing to do is told by one process

get=false
title() { echo "$(date +%H:%M:%S) stage $*"; }

# The values of --set for each stage, which are all checked before the first stage.
COMMANDS=(get=local.download prepare="local.$corpus" split=steps.data.split_utterances perturb=steps.audio.perturb
  features=steps.features.compute charts=steps.features.chart train=steps.sid.train evaluate=steps.verify.evaluate
  losses=steps.training.charts profile=steps.sid.profile)
read_settings seed use_gpu num_gpus
if [ "$corpus" = librispeech ]; then
  set_of[prepare]=$(python3 -m utils.key_values segment_seconds=0,with_chapters=true "${set_of[prepare]}")
fi
if [ "$preset" = original ]; then
  set_of[train]=$(python3 -m utils.key_values "${set_of[train]}" preset=original)
fi

# Puts into the array `given` the options of stage $1: its conf file, its --set, and the variables $2... that are set.
stage_options() {
  local conf=$conf_dir/$1.yaml set=${set_of[$1]}
  [ -e "$conf" ] || conf=
  give conf set "${@:2}"
}

# Puts into the array `sets` those of the sets $@ that stage 1 has made.
find_sets() {
  local name
  sets=()
  for name in "$@"; do
    [ ! -e "$data/$name/.done" ] || [ ! -e "$data/${name%_perturbed}/.done" ] || sets+=("$name")
  done
  [ ${#sets[@]} -gt 0 ] || refuse "$data/$1: no such directory; run stage 1 first"
}

# Sets the options of the split from those of this script, which by default follow what stage 1 knows of the corpus. A speaker
# who cannot be tested, such as one of one chapter, is trained on; pieces of what is too short there are none.
choose_split() {
  by=$split_mode
  [ -n "$by" ] || { [ -e "$data/all/utt2chapter" ] && by=chapter; } || by=random
  [ -n "$open_set" ] || ! grep -qs ' test-clean$' "$data/all/utt2subset" || open_set=test-clean
  open_set=${open_set:-.25}
  if ! grep -qs '^unsplittable:' "$conf_dir/split.yaml"; then
    set_of[split]=$(python3 -m utils.key_values "unsplittable=$([ "$by" = segment ] && echo leave_out || echo train)" "${set_of[split]}")
  fi
  open_share='' open_subsets=''
  [[ $open_set =~ ^[0-9.]+$ ]] && open_share=$open_set || open_subsets=$open_set
}

# $2... with the prefix $1, and commas between them.
joined() {
  local all
  printf -v all ",$1%s" "${@:2}"
  printf %s "${all#,}"
}

if [ "$corpus" = librispeech ] && [ -z "$data_dir" ]; then
  data_dir=$corpora/LibriSpeech parts=${parts:-train-clean-100,dev-clean,test-clean}
  [ "$stage" -gt 0 ] || get=true
fi
if [ "$get" = true ]; then
  title "0: get LibriSpeech, in $corpora"
  stage_options get parts
  unless_done python3 -m local.download "${given[@]}" --out "$corpora"
fi

if [ "$stage" -le 1 ] && [ "$stop_stage" -ge 1 ]; then
  title "1: prepare the corpus '$corpus' in $data/all, split it into $data/{train,dev,test,open}"
  case $corpus in
    synthetic) stage_options prepare seed force ;;
    librispeech) subsets=$parts && stage_options prepare data_dir subsets force ;;
    folder) stage_options prepare data_dir labels force ;;
  esac
  unless_done python3 -m "local.$corpus" "${given[@]}" --out "$data/all"
  choose_split
  stage_options split by open_share open_subsets force
  unless_done python3 -m steps.data.split_utterances "${given[@]}" --data "$data/all" --out "$data"
  find_sets test open
  stage_options perturb nj seed force
  for name in "${sets[@]}"; do
    unless_done python3 -m steps.audio.perturb "${given[@]}" --data "$data/$name" --out "$data/${name}_perturbed"
  done
fi

if [ "$stage" -le 2 ] && [ "$stop_stage" -ge 2 ]; then
  title "2: log-mels, in $exp/feats"
  find_sets train dev test open test_perturbed open_perturbed
  for name in open open_perturbed; do # of an earlier split
    [[ " ${sets[*]} " = *" $name "* ]] || rm -rf -- "${exp:?}/feats/$name"
  done
  for name in "${sets[@]}"; do
    [ "$name" = train ] && of_set=$copies || of_set=0
    stage_options features nj preset seed force
    steps/features/make_feats.sh --cmd "$train_cmd" "${given[@]}" --copies "$of_set" "$data/$name" "$exp/feats/$name"
  done
fi

if [ "$stage" -le 3 ] && [ "$stop_stage" -ge 3 ]; then
  title "3: charts of the data, in $exp/charts"
  find_sets train dev test open test_perturbed open_perturbed
  stage_options charts force
  unless_done python3 -m steps.features.chart "${given[@]}" --feats "$(joined "$exp/feats/" "${sets[@]}")" --out "$exp/charts"
fi

if [ "$stage" -le 4 ] && [ "$stop_stage" -ge 4 ]; then
  title "4: train $models, in $exp (logs in $exp/log)"
  stage_options train use_gpu num_gpus seed force
  steps/sid/train.sh --cmd "$cuda_cmd" "${given[@]}" --models "$models" --conf_dir "$conf_dir" "$exp/feats" "$exp"
fi

IFS=, read -ra networks <<<"$models"
if [ "$stage" -le 5 ] && [ "$stop_stage" -ge 5 ]; then
  title "5: closed set and open set, in $exp/evaluation"
  stage_options evaluate nj backends use_gpu seed force
  steps/verify/evaluate.sh --cmd "$cuda_cmd" "${given[@]}" --models "$(joined "$exp/" "${networks[@]}")" \
    "$data" "$exp/feats" "$exp/evaluation"
fi

if [ "$stage" -le 6 ] && [ "$stop_stage" -ge 6 ]; then
  title "6: charts of the trainings, in $exp/losses"
  stage_options losses force
  unless_done python3 -m steps.training.charts "${given[@]}" --models "$(joined "$exp/" "${networks[@]}")" --out "$exp/losses"
fi

if [ "$stage" -le 7 ] && [ "$stop_stage" -ge 7 ]; then
  title "7: memory and time of each network, in $exp/profile"
  stage_options profile use_gpu force
  unless_done python3 -m steps.sid.profile "${given[@]}" --models "$models" --conf_dir "$conf_dir" --out "$exp/profile"
fi
