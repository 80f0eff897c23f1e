#!/usr/bin/env bash
# Copyright 2026 The PseudoSpeakers developers. Apache 2.0.
#
# From a folder of recordings to segments, text, units, resynthesised speech and a language model of units. Run it in its own
# directory. Without options it makes a few minutes of speech by espeak-ng and needs no data.
# shellcheck disable=SC2034 # options are read by their names, in give
set -euo pipefail
[[ ${PS_GUARD-} == "$PPID".* ]] || exec utils/guard.pl "$0" "$@" # nothing that it starts outlives it

stage=0
stop_stage=100
corpus=
data_dir=
manifest=
corpora=corpora
data=
exp=
conf_dir=conf
keep_text=
models=lstm,transformer,bigram,fivegram
sampler=lstm
use_gpu=
status=
set=
force=false
seed=
nj=2
launcher=

COMMANDS=(speech=local.amela.speech scan=local.recordings vad=steps.vad.compute pack=steps.audio.pack asr=steps.asr.compute
  wer=steps.asr.error_rates split=local.amela.split kmeans=steps.units.train units=steps.units.compute
  vocoder=steps.vocoder.train speak=steps.vocoder.resynthesise lstm=steps.unit_lm.train transformer=steps.unit_lm.train
  bigram=steps.unit_lm.train_ngram fivegram=steps.unit_lm.train_ngram bits=steps.unit_lm.score sample=steps.unit_lm.sample
  report=local.amela.report)

help_message() {
  cat <<END
usage: ./run.sh [--stage N] [--stop_stage M] [--option value ...] [--set STAGE.KEY=VALUE,...]

  0 scan      all recordings of --data_dir or --manifest                                 -> <data>/all
  1 vad       where speech is: segments, RTTM, a csv                                     -> <exp>/vad
  2 pack      pieces of at most 30 s                                                     -> <data>/pieces
  3 asr       text of the recordings that have none; errors where a text is known        -> <exp>/asr, <exp>/text, <exp>/wer
  4 units     k-means of the training speakers' speech; all pieces as units              -> <exp>/kmeans, <exp>/units
  5 vocode    speech again from the units                                                -> <exp>/vocoder, <exp>/resynth
  6 lm        language models of the units; bits on speakers held out                    -> <exp>/unit_lm
  7 sample    units that a model draws, spoken; speech and words in them                 -> <exp>/samples
  8 report    figures, pictures and players                                              -> <exp>/report

Everywhere:   --data (data/<corpus>) --exp (exp/<corpus>) --nj ($nj) --force true (redo finished stages) --seed
              --launcher run.pl|slurm.pl (in place of the one in cmd.sh)
              --status true (say which shards of which stage are done, running, failed, with their logs; and end)
0 scan:       --corpus espeak (default without the next two) or folder, or a name of your own for --data and --exp
              --data_dir (a folder of audio at any depth, or a Kaldi data directory)
              --manifest (JSON lines with audio_filepath; with --stage N its entries are what stage N takes: recordings,
              speech, pieces) --corpora ($corpora: where the speech of espeak-ng goes)
3 asr:        --keep_text true (recordings whose text is known are not recognised; espeak: false, so that errors are counted)
3 to 7:       --use_gpu auto|true|false (jobs of networks ask for a GPU, as cmd.sh says; false: none does)
6 lm:         --models ($models)
7 sample:     --sampler ($sampler, or another network of --models)
Others:       --set vad.mode=3,pack.longest=20,... or a file <stage>.yaml of --conf_dir ($conf_dir). Options above go before --set,
              --set before the file.
Options of a stage with meanings and defaults: python3 -m <command> --help
$(printf '%s\n' "${COMMANDS[@]}" | awk -F= '{ printf "  %-11s %s\n", $1, $2 }')
Every option takes a value; dashes and underscores are the same. Launchers and resources are in cmd.sh.
END
}
arguments=
. utils/parse_options.sh
. utils/given_options.sh
. utils/check_options.sh
check_stages 8
check_jobs
[ -n "$corpus" ] || { [ -n "$data_dir$manifest" ] && corpus=folder || corpus=espeak; }
[[ $corpus =~ ^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$ ]] ||
  refuse "--corpus $(printf %q "${corpus:0:100}"): expected espeak, folder, or a name of letters, digits, '.', '_' and '-'"
[ -z "$data_dir" ] || [ -z "$manifest" ] || refuse "--data_dir $data_dir --manifest $manifest: give one of the two"
[ "$corpus" != espeak ] || [ -z "$data_dir$manifest" ] || refuse "--corpus espeak: makes its own speech; use --corpus folder"
[ "$corpus" = espeak ] || [ -n "$data_dir$manifest$status" ] || [ "$stage" -gt 0 ] ||
  refuse "--corpus $corpus: give --data_dir, a folder of recordings, or --manifest, a list of them"
[[ ! -f $data_dir ]] || refuse "--data_dir $data_dir: a file, expected a folder of recordings; --manifest takes a list of them"
[[ ! -d $manifest ]] || refuse "--manifest $manifest: a folder, expected a list of recordings; --data_dir takes a folder"
[[ -z $data_dir || -d $data_dir || $stage -gt 0 ]] || refuse "--data_dir $data_dir: no such directory"
[[ -z $manifest || -f $manifest ]] || refuse "--manifest $manifest: no such file"
data=${data:-data/$corpus}
exp=${exp:-exp/$corpus}
check_paths data exp data_dir manifest corpora conf_dir
[[ -d $conf_dir ]] || refuse "--conf_dir $conf_dir: no such directory"
[[ -z $launcher || ( $launcher =~ ^[A-Za-z0-9_]+\.pl$ && -f utils/$launcher && -x utils/$launcher ) ]] ||
  refuse "--launcher $(printf %q "${launcher:0:100}"): expected run.pl or slurm.pl"
[[ $keep_text =~ ^(|true|false)$ ]] || refuse "--keep_text ${keep_text:0:100}: expected true or false"
[ -n "$keep_text" ] || { [ "$corpus" = espeak ] && keep_text=false || keep_text=true; }
for name in ${models//,/ }; do
  [[ ,lstm,transformer,bigram,fivegram, = *",$name,"* ]] ||
    refuse "--models $(printf %q "${name:0:100}"): expected some of lstm,transformer,bigram,fivegram"
done
[[ $sampler =~ ^(lstm|transformer)$ && ,$models, = *",$sampler,"* ]] ||
  refuse "--sampler $(printf %q "${sampler:0:100}"): expected lstm or transformer, and one of --models"
[[ $status =~ ^(|true|false)$ ]] || refuse "--status ${status:0:100}: expected true or false"
[[ $use_gpu =~ ^(|auto|true|false)$ ]] || refuse "--use_gpu ${use_gpu:0:100}: expected auto, true or false"
[ "$force" = true ] || force= # --set vad.force=true redoes one stage
export PS_LAUNCHER=${launcher:-${PS_LAUNCHER:-}}
. ./cmd.sh

if [ "$status" = true ]; then
  . ./path.sh
  names=(vad asr kmeans_feats kmeans units vocoder resynth samples/units samples/speech samples/vad samples/asr)
  for name in "${names[@]}"; do
    python3 -m utils.part_status --out "$exp/$name" 2>&1 | grep -v ' command: '
  done
  exit 0
fi

. utils/lock_dir.sh
lock_dir "$exp"
extras=audio,units
[ "$corpus" != espeak ] || extras+=,demo
PS_PYTHON_BIN=$(utils/setup_env.sh --extras "$extras")
export PS_PYTHON_BIN
. ./path.sh
start_answering # what has nothing to do is told by one process

title() { echo "$(date +%H:%M:%S) stage $*"; }

# The values of --set for each stage, which are all checked before the first stage.
CONF_OTHERS=unit_lm_grid # a grid of utils/sweep.py
read_settings seed

# Puts into the array `given` the options of stage $1: its conf file, its --set, and the variables $2... that are set.
stage_options() {
  local conf=$conf_dir/$1.yaml set=${set_of[$1]-}
  [ -e "$conf" ] || conf=
  give conf set "${@:2}"
}

# require FILE STAGE: the file is there, and is not empty.
require() {
  [ -e "$1" ] || refuse "$1: no such file; run stage $2 first"
  [ -s "$1" ] || { echo "$1 is empty: nothing to do" && exit 0; }
}

backend='' model='' # what read_values sets

# choose_class SMALL: the resources of jobs with `backend` in `class`: a GPU for all but the small component.
choose_class() {
  [ "$backend" = "$1" ] || [ "$use_gpu" = false ] && class=$train_cmd || class=$cuda_cmd
}

# transcribe DATA OUT [OPTION VALUE]: text by the recogniser of conf.
transcribe() {
  stage_options asr
  read_values steps.asr.compute backend
  choose_class pocketsphinx
  stage_options asr nj force
  steps/asr/transcribe.sh --cmd "$class" "${given[@]}" "${@:3}" "$1" "$2"
}

# speak UNITS OUT: by the vocoder of conf, or else by the one that was trained here.
speak() {
  stage_options speak
  read_values steps.vocoder.resynthesise backend model
  choose_class griffin_lim
  model=${model:-$exp/vocoder}
  stage_options speak nj model force
  steps/vocoder/resynthesise.sh --cmd "$class" "${given[@]}" "$1" "$2"
}

all=$data/all speech=$exp/vad/speech pieces=$data/pieces
if [ -n "$manifest" ] && [ "$stage" -ge 2 ]; then # its entries are speech, or pieces
  speech=$all
  [ "$stage" -eq 2 ] || pieces=$all
fi

if [ "$stage" -le 0 ] || [ -n "$manifest" ]; then
  if [ "$corpus" = espeak ]; then
    title "0: speech of espeak-ng, in $corpora/espeak"
    stage_options speech seed force
    unless_done python3 -m local.amela.speech "${given[@]}" --out "$corpora/espeak"
    manifest=$corpora/espeak/manifest.jsonl
  fi
  title "0: recordings of ${manifest:-$data_dir}, in $all"
  [ -z "$manifest" ] || data_dir=
  stage_options scan data_dir manifest force
  unless_done python3 -m local.recordings "${given[@]}" --out "$all"
fi

if [ "$stage" -le 1 ] && [ "$stop_stage" -ge 1 ]; then
  require "$all/utt2spk" 0
  title "1: where speech is, in $exp/vad"
  stage_options vad nj force
  steps/vad/detect.sh --cmd "$train_cmd" "${given[@]}" "$all" "$exp/vad"
fi

if [ "$stage" -le 2 ] && [ "$stop_stage" -ge 2 ]; then
  [ -d "$speech" ] || [ ! -e "$exp/vad/vad.scp" ] || { echo "$exp/vad has no speech: nothing to do" && exit 0; }
  require "$speech/utt2spk" 1
  title "2: pieces of at most 30 s, in $pieces"
  stage_options pack force
  unless_done python3 -m steps.audio.pack "${given[@]}" --data "$speech" --out "$pieces"
fi

if [ "$stage" -le 3 ] && [ "$stop_stage" -ge 3 ]; then
  require "$pieces/utt2spk" 2
  title "3: text, in $exp/text"
  spoken=$pieces asr=$exp/asr known=
  if [ -e "$all/text" ] || [ -e "$all/utt2text" ]; then
    known=$all/text
    [ -e "$known" ] || known=$all/utt2text
    if [ "$keep_text" = true ]; then
      stage_options untold force
      spoken=$data/untold
      unless_done python3 -m local.amela.untold "${given[@]}" --data "$all" --pieces "$pieces" --out "$spoken"
    fi
  fi
  if [ -s "$spoken/utt2spk" ]; then
    transcribe "$spoken" "$asr" --keep_text false
  else
    asr=
  fi
  vad=
  [ "$speech" = "$all" ] || [ ! -e "$exp/vad/failures.tsv" ] || vad=$exp/vad
  stage_options join asr vad force
  unless_done python3 -m local.amela.join_text "${given[@]}" --data "$all" --pieces "$pieces" --out "$exp/text"
  [ ! -e "$exp/text/known_text" ] || known=$exp/text/known_text
  if [ -s "$known" ] && [ -n "$asr" ] && [ "$keep_text" = false ]; then
    stage_options wer force
    unless_done python3 -m steps.asr.error_rates "${given[@]}" --ref "$known" --hyp "$exp/text/recognised" \
      --utt2spk "$exp/text/utt2spk" --out "$exp/wer"
  fi
fi

if [ "$stage" -le 4 ] && [ "$stop_stage" -ge 4 ]; then
  require "$pieces/utt2spk" 2
  title "4: units, in $exp/units"
  stage_options split force
  unless_done python3 -m local.amela.split "${given[@]}" --data "$pieces" --out "$data/sets"
  stage_options units
  read_values steps.units.compute backend model
  if [ "$backend" = kmeans ] && [ -z "$model" ]; then
    model=$exp/kmeans
    stage_options kmeans nj seed force
    steps/units/train.sh --cmd "$train_cmd" "${given[@]}" "$data/sets/train" "$model"
    stage_options units nj model force
  else
    stage_options units nj force
  fi
  choose_class kmeans
  steps/units/encode.sh --cmd "$class" "${given[@]}" "$pieces" "$exp/units"
fi

if [ "$stage" -le 5 ] && [ "$stop_stage" -ge 5 ]; then
  require "$exp/units/utt2spk" 4
  title "5: speech from units, in $exp/resynth"
  stage_options split force
  unless_done python3 -m local.amela.split "${given[@]}" --data "$exp/units" --out "$exp/unit_sets"
  stage_options speak
  read_values steps.vocoder.resynthesise backend model
  if [ "$backend" = griffin_lim ] && [ -z "$model" ]; then
    stage_options vocoder nj force
    steps/vocoder/train.sh --cmd "$train_cmd" "${given[@]}" "$data/sets/train" "$exp/unit_sets/train" "$exp/vocoder"
  fi
  speak "$exp/units" "$exp/resynth"
fi

# learns: whether there is more than one piece, so that a language model can be judged on another one than it has learned.
learns() {
  require "$exp/units/utt2spk" 4
  [ "$(wc -l <"$exp/units/utt2spk")" -gt 1 ] || { echo "$exp/units has one utterance: no language model of it" && return 1; }
}

if [ "$stage" -le 6 ] && [ "$stop_stage" -ge 6 ] && learns; then
  title "6: language models of units, in $exp/unit_lm"
  stage_options split force
  unless_done python3 -m local.amela.split "${given[@]}" --data "$exp/units" --out "$exp/unit_sets"
  for name in ${models//,/ }; do
    order='' class=$train_cmd
    case $name in
      bigram) order=2 && stage_options "$name" order force ;;
      fivegram) order=5 && stage_options "$name" order force ;;
      *) class=$cuda_cmd && stage_options "$name" seed use_gpu force ;;
    esac
    steps/unit_lm/train.sh --cmd "$class" "${given[@]}" "$exp/unit_sets/train" "$exp/unit_sets/dev" "$exp/unit_lm/$name"
    stage_options bits use_gpu force
    unless_done python3 -m steps.unit_lm.score "${given[@]}" --model "$exp/unit_lm/$name" --units "$exp/unit_sets/test" \
      --shuffled true --out "$exp/unit_lm/${name}_test"
  done
fi

if [ "$stage" -le 7 ] && [ "$stop_stage" -ge 7 ] && learns; then
  samples=$exp/samples
  title "7: samples of $sampler, in $samples"
  stage_options sample nj seed force
  steps/unit_lm/sample.sh --cmd "$decode_cmd" "${given[@]}" "$exp/unit_lm/$sampler" "$samples/units"
  speak "$samples/units" "$samples/speech"
  stage_options vad nj force
  steps/vad/detect.sh --cmd "$train_cmd" "${given[@]}" --max_fail 1 "$samples/speech" "$samples/vad"
  transcribe "$samples/speech" "$samples/asr" --max_fail 1
fi

if [ "$stage" -le 8 ] && [ "$stop_stage" -ge 8 ]; then
  title "8: the report, in $exp/report"
  if [ -s "$exp/vad/vad.scp" ]; then
    given=() && give force
    unless_done python3 -m steps.vad.picture "${given[@]}" --data "$all" --vad "$exp/vad" --out "$exp/vad_picture"
  fi
  if [ -s "$exp/resynth/wav.scp" ]; then
    stage_options distortion force
    unless_done python3 -m steps.vocoder.distortion "${given[@]}" --ref "$pieces" --data "$exp/resynth" --out "$exp/distortion"
  fi
  stage_options report force
  unless_done python3 -m local.amela.report "${given[@]}" --data "$data" --exp "$exp" --out "$exp/report"
  echo "The report is $exp/report/report.html"
fi
