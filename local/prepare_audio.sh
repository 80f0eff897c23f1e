#!/usr/bin/env bash
# Copyright 2026 The PseudoSpeakers developers. Apache 2.0.
#
# Stage 0 for corpora of audio: recordings -> embeddings and attributes -> data/<corpus>/all.
#
# reads   --data_dir: LibriSpeech as its owners ship it, or a tree of audio with --labels, a table of speakers and attributes
# writes  <data>/audio, <exp>/embed, <exp>/attributes, <data>/all; where PS_PART names a number, the last three of only so many
#         utterances, those of <data>/part
# shellcheck disable=SC2034 # options are read by their names, in give
set -euo pipefail

help_message="usage: local/prepare_audio.sh [options] librispeech|folder <data> <exp>
  --cmd, --nj   launcher and resources (default: run.pl), number of jobs (default: 2)
  --gpus        embed on so many GPUs at once, a job each
  --conf FILE, --set key=value,...   options of python3 -m local.librispeech or local.folder, steps.embed.extract and its
                network, steps.attributes.label and local.join_audio; each takes the keys that are its options
  --data_dir, --labels, --backend, --use_gpu, --attributes, --seed, --force   the same as in --set"
cmd=run.pl
nj=2
conf=
set=
data_dir=
labels=
backend=
use_gpu=
gpus=
attributes=
seed=
force=
arguments="<corpus> <data> <exp>"
. utils/parse_options.sh
. utils/given_options.sh
. utils/check_options.sh
. ./path.sh
corpus=$1 data=$2 exp=$3
[[ $corpus =~ ^(librispeech|folder)$ ]] || refuse "${corpus:0:100}: expected librispeech or folder"
check_gpus
check_jobs
check_paths data exp data_dir labels conf
[ "$use_gpu" != auto ] || use_gpu= # embeddings are extracted on GPUs only on request
add_settings data_dir labels backend use_gpu attributes seed force
set=$(python3 -m utils.key_values "dataset=$corpus" "$set")
shared_with=local.$corpus,steps.embed.extract,steps.attributes.label,local.join_audio
give conf set shared_with

python3 -m "local.$corpus" "${given[@]}" --out "$data/audio"

audio=$data/audio
if [ -n "${PS_PART:-}" ]; then
  audio=$data/part
  python3 -m steps.data.take_part --data "$data/audio" --out "$audio" --utterances "$PS_PART"
fi

steps/embed/extract.sh --cmd "$cmd" --nj "$nj" "${given[@]}" --gpus "$gpus" "$audio" "$exp/embed"

# Without spk2gender of the corpus, genders are predicted; the project has a model for embeddings of the default network.
read_values steps.embed.extract backend
read_values steps.attributes.label gender_model
if [ -z "$gender_model" ] && [ ! -e "$audio/spk2gender" ] && [ "$backend" = resemblyzer ]; then
  gender_model=local/rules/gender_resemblyzer.safetensors
  add_settings gender_model
  give conf set shared_with
fi
steps/attributes/measure.sh --cmd "$cmd --gpu 0" --nj "$nj" "${given[@]}" --rules local/rules/attributes.yaml \
  "$audio" "$exp/embed" "$exp/attributes" "$exp/log"

python3 -m local.join_audio "${given[@]}" \
  --audio "$audio" --embeddings "$exp/embed" --measured "$exp/attributes" --out "$data/all"
