#!/usr/bin/env bash
# Copyright 2026 The PseudoSpeakers developers. Apache 2.0.
#
# The main recipe: learns the distribution of speaker embeddings given a description, and samples new speakers from it.
# Run it from this directory. Without options it makes its own small corpus of synthetic voices and needs no data.
# shellcheck disable=SC2034 # options are read by their names, in give
set -euo pipefail
[[ ${PS_GUARD-} == "$PPID".* ]] || exec utils/guard.pl "$0" "$@" # nothing that it starts outlives it

stage=0
stop_stage=100
corpus=demo
data_dir=
embedding_dir=
labels=
data=
exp=
conf_dir=conf
set=
force=false
check=false
seed=
nj=2
launcher=
attributes=
backend=
generators=conf/generators.txt
use_gpu=
gpus=
num_gpus=
nuisance=
model=
name=
text=- # none: the groups
text_file=
n_samples=
temperature=

help_message() {
  cat <<END
usage: ./run.sh [--stage N] [--stop_stage M] [--option value ...] [--set STAGE.KEY=VALUE,...]

  0 prepare   --corpus demo; capspeech with --data_dir and --embedding_dir;
              librispeech or folder (audio) with --data_dir                   -> <data>/all
  1 text      variants of each group's description, checked and encoded           -> <data>/descriptions <exp>/text
  2 split     speaker-disjoint train, dev, test                                   -> <data>/{train,dev,test}
  3 index     every vector validated, contiguous and quick to open                -> <exp>/index
  4 train     the generators of --generators, one job each                        -> <exp>/mdn and the baselines
  5 sample    new speakers for the groups, --text or --text_file                  -> <exp>/samples/<name>
  6 score     all generators, measured on held-out speakers                       -> <exp>/score

Everywhere:   --data (data/<corpus>) --exp (exp/<corpus>) --nj ($nj) --force true (redo finished stages)
              --launcher run.pl|slurm.pl (in place of the one in cmd.sh)
              --check true (only look whether all is there, try a part, and estimate what the whole will take)
              --seed (stages 1, 4, 5, 6) --attributes (gender,pitch,speaking_rate; the same in all stages)
0 prepare:    --corpus ($corpus) --data_dir --embedding_dir --labels (folder: a table of what is known)
              --backend (the network that embeds audio) --use_gpu true|false --gpus (so many at once, a job each)
4 train:      --generators ($generators: each with its own conf) --use_gpu auto|true|false
              --num_gpus (1; each network in as many processes) --nuisance source (of several corpora: told apart)
5 sample:     --text or --text_file (default: the groups) --n_samples --temperature --name (of the output)
              --model (<exp>/mdn) --set sample.strict=true (a text that is not understood is an error;
              python3 -m steps.text.read --text ... tells how one is)
Others:       --set train.hidden=256,'text.attributes="gender,pitch"',... or a file $conf_dir/<stage>.yaml;
              --conf_dir names another directory of such files. Options above go before --set, --set before the file.
Options of a stage with meanings and defaults: python3 -m <command> --help
  prepare     local.<corpus>; of audio also steps.embed.extract, steps.attributes.label, local.join_audio
  text        steps.text.augment             split    steps.data.split_speakers    index   steps.data.build_index
  train       steps.generators.train         sample   steps.generators.sample      score   steps.score.score
Every option takes a value; dashes and underscores are the same. Launchers and resources are in cmd.sh.

END
  steps/show_stages.sh "${data:-data/$corpus}" "${exp:-exp/$corpus}"
  cat <<END

What to expect on 2 cores   demo (1,800 x 256)   CapSpeech-real (81,000 x 512 in training)
  disk, beside .venv          0.3 GB               0.7 GB; .venv 1.7 GB, of torch with CUDA 5.9 GB (README.md)
  memory                      0.7 GB a job         2 GB a job
  time                        2 minutes            1 to 2 hours; without the plain network and the score 6 minutes
  again, nothing to do        1 second
END
}
arguments=
declare -a words=("$@")
. utils/parse_options.sh
. utils/given_options.sh
. utils/check_options.sh
check_stages 6
check_gpus
check_jobs
check_paths data exp data_dir embedding_dir labels conf_dir generators model text_file
[[ $corpus =~ ^(demo|capspeech|librispeech|folder)$ ]] ||
  refuse "--corpus ${corpus:0:100}: expected demo, capspeech, librispeech or folder"
[[ -z $name || $name =~ ^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$ ]] ||
  refuse "--name $(printf %q "${name:0:100}"): expected at most 100 letters, digits, '.', '_' and '-'"
[[ -d $conf_dir ]] || refuse "--conf_dir $conf_dir: no such directory"
[[ -f $generators ]] || refuse "--generators $generators: no such file"
[[ $text = - || -z $text_file ]] || refuse "give --text or --text_file, not both"
[[ -z $text_file || $text_file = - || ( -r $text_file && ! -d $text_file ) ]] || refuse "--text_file $text_file: no such file"
[[ -z $use_gpu || $use_gpu =~ ^(auto|true|false)$ ]] || refuse "--use_gpu ${use_gpu:0:100}: expected auto, true or false"
[[ -z $launcher || ( $launcher =~ ^[A-Za-z0-9_]+\.pl$ && -f utils/$launcher && -x utils/$launcher ) ]] ||
  refuse "--launcher $(printf %q "${launcher:0:100}"): expected run.pl or slurm.pl"
[[ $text != *$'\n'* ]] || refuse "--text has a newline; write it on one line"
[ "$force" = true ] || force= # --set train.force=true redoes one stage
export PS_LAUNCHER=${launcher:-${PS_LAUNCHER:-}}
. ./cmd.sh

data=${data:-data/$corpus}
exp=${exp:-exp/$corpus}
model=${model:-$exp/mdn}
[ "$text$text_file" = - ] && name=${name:-groups} || name=${name:-texts}
. utils/lock_dir.sh
if [ "$check" = false ]; then
  lock_dir "$exp"
  [ "$stage" -gt 2 ] || [ "$data" -ef "$exp" ] || lock_dir "$data"
fi
extras=
prepare=local.$corpus
case $corpus in
  demo) extras=audio,demo ;;
  librispeech | folder)
    extras=audio,attributes
    [ "$backend" != onnx ] || extras+=,onnx
    prepare+=,steps.embed.extract,steps.attributes.label,local.join_audio
    ;;
esac
PS_PYTHON_BIN=$(utils/setup_env.sh --extras "$extras")
export PS_PYTHON_BIN
. ./path.sh
start_answering # what has nothing to do is told by one process

title() { echo "$(date +%H:%M:%S) stage $*"; }

# The values of --set for each stage, a line each; all of them are checked before the first stage.
typed() { local set= && add_settings generators backend seed n_samples temperature num_gpus nuisance text_file && printf %s "$set"; }
lines=$(unless_done python3 -m utils.stage_options --conf_dir "$conf_dir" --given "$set" --typed "$(typed)" \
  --commands "prepare='$prepare',text=steps.text.augment,split=steps.data.split_speakers,index=steps.data.build_index,\
train=steps.generators.train,sample=steps.generators.sample,score=steps.score.score")
mapfile -t settings <<<"$lines"

# Puts into the array `given` the options of stage $1, named $2: its conf file, its --set, and the variables $3... that are set.
stage_options() {
  local conf=$conf_dir/$2.yaml set=${settings[$1]-}
  [ -e "$conf" ] || conf=
  give conf set "${@:3}"
}

if [ "$check" = true ]; then
  title "check: the corpus, a part of it in all stages, and what the whole will need; $data and $exp stay as they are"
  launcher=$PS_LAUNCHER
  give corpus data exp conf_dir stage stop_stage nj generators use_gpu launcher
  printf '%s\0' "${words[@]}" |
    python3 -m local.check_run "${given[@]}" --script "$0" --text "${settings[1]-}" --train "${settings[4]-}"
  exit
fi

if [ "$stage" -le 0 ] && [ "$stop_stage" -ge 0 ]; then
  title "0: prepare the corpus '$corpus' in $data/all"
  case $corpus in
    demo)
      stage_options 0 prepare nj force
      unless_done python3 -m local.demo "${given[@]}" --out "$data/all"
      ;;
    capspeech)
      stage_options 0 prepare data_dir embedding_dir attributes force
      unless_done python3 -m local.capspeech "${given[@]}" --out "$data/all"
      ;;
    librispeech | folder)
      stage_options 0 prepare nj data_dir labels backend use_gpu gpus attributes seed force
      local/prepare_audio.sh --cmd "$cuda_cmd" "${given[@]}" "$corpus" "$data" "$exp"
      ;;
  esac
fi

if [ "$stage" -le 1 ] && [ "$stop_stage" -ge 1 ]; then
  title "1: texts for every group, in $data/descriptions and $exp/text"
  stage_options 1 text nj attributes seed force
  unless_done python3 -m steps.text.augment "${given[@]}" \
    --data "$data/all" --out "$data/descriptions" --vec_out "$exp/text"
fi

if [ "$stage" -le 2 ] && [ "$stop_stage" -ge 2 ]; then
  title "2: split the speakers, into $data/{train,dev,test}"
  stage_options 2 split attributes force
  unless_done python3 -m steps.data.split_speakers "${given[@]}" --data "$data/all" --out "$data"
fi

if [ "$stage" -le 3 ] && [ "$stop_stage" -ge 3 ]; then
  title "3: check and index the embeddings, in $exp/index"
  stage_options 3 index force
  unless_done python3 -m steps.data.build_index "${given[@]}" --data "$data" --out "$exp/index"
fi

if [ "$stage" -le 4 ] && [ "$stop_stage" -ge 4 ]; then
  title "4: train the generators of $generators, in $exp (logs in $exp/log)"
  stage_options 4 train generators use_gpu num_gpus nuisance seed force
  steps/generators/train.sh --cmd "$cuda_cmd" "${given[@]}" "$exp/index" "$data/descriptions" "$exp/text" "$exp"
fi

if [ "$stage" -le 5 ] && [ "$stop_stage" -ge 5 ]; then
  title "5: sample new speakers from $model, in $exp/samples/$name"
  stage_options 5 sample nj text_file n_samples seed temperature force
  steps/generators/sample.sh --cmd "$decode_cmd" --text "$text" "${given[@]}" \
    "$data/descriptions" "$exp/text" "$model" "$exp/samples/$name" "$exp/log/samples_$name"
fi

if [ "$stage" -le 6 ] && [ "$stop_stage" -ge 6 ]; then
  title "6: score the generators on test speakers, in $exp/score"
  stage_options 6 score nj generators attributes data seed force
  unless_done python3 -m steps.score.score "${given[@]}" \
    --index "$exp/index" --descriptions "$data/descriptions" --text_vectors "$exp/text" --exp "$exp" --out "$exp/score"
  echo "The report is $exp/score/report.html, its figures in words $exp/score/summary.md"
fi
