#!/usr/bin/env bash
# Copyright 2026 The PseudoSpeakers developers. Apache 2.0.
#
# Is it the right voice, and are they the right words? Verifies speakers by short phrases: GMM-UBM, GMM-HMM, DTW, i-vectors and
# d-vectors on RedDots, or on a corpus in its files that it makes of other speech. Run it in its own directory. Without options it
# makes voices of its own and needs no data.
# shellcheck disable=SC2034 # options are read by their names, in give
set -euo pipefail
[[ ${PS_GUARD-} == "$PPID".* ]] || exec utils/guard.pl "$0" "$@" # nothing that it starts outlives it

stage=0
stop_stage=100
corpus=synthetic
data_dir=
ubm_data=
parts=
corpora=corpora
data=
exp=
conf_dir=
systems=
as_norm=
fuse=
preset=
topology=
cohort=
set=
force=false
seed=
nj=2
launcher=

QUICK=gmm_llr,hmm_viterbi,hmm_utterance,dtw_cosine
SYSTEMS=gmm_llr,gmm_linear,gmm_selected,hmm_viterbi,hmm_forward,hmm_utterance,dtw_cosine,dtw_posterior
SYSTEMS+=,ivector_gmm_cosine,ivector_gmm_plda,ivector_hmm_cosine,ivector_hmm_plda,dvector,statistics
COMMANDS=(corpus=local.look_alike lists=local.reddots lexicon=steps.hmm.make_lexicon lang=steps.hmm.make_lang
  features=steps.features.compute vad=steps.vad.compute normalise=steps.features.normalise ubm=steps.gmm.train_ubm
  mono=steps.hmm.train_mono align=steps.hmm.align map_gmm=steps.gmm.map_adapt map_hmm=steps.hmm.map_adapt
  extractor=steps.ivector.train ivectors=steps.ivector.extract backend=steps.ivector.train_backend
  embed=steps.embed.extract gmm=steps.gmm.score hmm=steps.hmm.score hmm_utterance=steps.hmm.score dtw=steps.dtw.score ivector=steps.ivector.score
  vectors=steps.verify.score_trials as_norm=steps.verify.as_norm_trials pool=steps.verify.pool_scores
  calibrate=steps.verify.calibrate fuse=steps.verify.fuse report=steps.verify.error_report)

help_message() {
  cat <<END
usage: ./run.sh [--stage N] [--stop_stage M] [--option value ...] [--set STAGE.KEY=VALUE,...]

  0 lists     a look-alike of RedDots, where --corpus is none                            -> <corpora>/<corpus>
              who enrols, who tests, who is background, who is cohort                    -> <data>
  1 lexicon   words and their phones; states of phones or of words                       -> <exp>/lexicon, <exp>/lang
  2 features  MFCC with differences, speech frames, normalised over speech               -> <exp>/feats, <exp>/vad
  3 ubm       a mixture of Gaussians of each background                                  -> <exp>/<list>/ubm
  4 hmm       hidden Markov models of each background                                    -> <exp>/<list>/mono
  5 models    a mixture, an HMM and vectors of each enrolment                            -> <exp>/<list>
  6 scores    of the trials, by each system of --systems; AS-norm                        -> <exp>/<list>/scores/<system>
  7 decide    calibration and fusion; errors by part, sex, system and kind               -> <exp>/report

Everywhere:   --data (data/<corpus>) --exp (exp/<corpus>) --nj ($nj) --force true (redo finished stages) --seed
              --launcher run.pl|slurm.pl (in place of the one in cmd.sh)
0 lists:      --corpus ($corpus), arabic-digits, fsdd or reddots --data_dir (of reddots, with pcm/ ndx/ infos/; of the others,
              by default that of its name in PSEUDOSPEAKERS_DATA; synthetic needs none)
              --parts (01; of arabic-digits and fsdd 01,words) --corpora ($corpora)
              --ubm_data (other speech for the UBM, a data directory or a tree of audio; - for none; fsdd: librispeech-251 beside
              --data_dir, where it is there)
1 lexicon:    --topology phones|words (reddots: phones, else words)
2 features:   --preset planned|notebook (planned)
5, 6:         --systems ($SYSTEMS;
              synthetic: $QUICK)
              --as_norm (systems that are normalised by the cohort, too; - for none)
7 decide:     --fuse (systems of the fusion) --cohort (embeddings of speakers, such as sampled ones:
              dvector, normalised by these, is dvector_cohort)
Others:       --set ubm.components=256,mono.gaussians=4,... or a file <stage>.yaml of --conf_dir (conf/<corpus>). Options above go
              before --set, --set before the file.
Options of a stage with meanings and defaults: python3 -m <command> --help
$(printf '%s\n' "${COMMANDS[@]}" | awk -F= '{ printf "  %-11s %s\n", $1, $2 }')
Every option takes a value; dashes and underscores are the same. Launchers and resources are in cmd.sh.
END
}
arguments=
. utils/parse_options.sh
. utils/given_options.sh
. utils/check_options.sh
check_stages 7
check_jobs
[[ $corpus =~ ^(synthetic|arabic-digits|fsdd|reddots)$ ]] ||
  refuse "--corpus ${corpus:0:100}: expected synthetic, arabic-digits, fsdd or reddots"
data=${data:-data/$corpus}
exp=${exp:-exp/$corpus}
conf_dir=${conf_dir:-conf/$corpus}
check_paths data exp data_dir ubm_data corpora conf_dir cohort
choose_corpus() {
  local folder=${corpus/arabic-digits/arabic-digits-30}
  case $corpus in
    synthetic) [ -z "$data_dir" ] || refuse "--data_dir $data_dir: say what it holds, --corpus arabic-digits, fsdd or reddots" ;;
    reddots) [ -n "$data_dir" ] || refuse "--corpus reddots: give --data_dir, the directory that has pcm, ndx and infos" ;;
    *)
      data_dir=${data_dir:-${PSEUDOSPEAKERS_DATA:+$PSEUDOSPEAKERS_DATA/$folder}}
      [ -n "$data_dir" ] || refuse "--corpus $corpus: give --data_dir, or in PSEUDOSPEAKERS_DATA the directory that has $folder"
      ;;
  esac
  [[ -z $data_dir || -d $data_dir || $stage -gt 0 ]] || refuse "--data_dir $data_dir: no such directory"
  if [ "$corpus" = fsdd ] && [ -z "$ubm_data" ] && [ -d "$(dirname "$data_dir")/librispeech-251" ]; then
    ubm_data=$(dirname "$data_dir")/librispeech-251
  fi
  [ "$ubm_data" != - ] || ubm_data=
}
choose_corpus
[[ $preset =~ ^(|planned|notebook)$ ]] || refuse "--preset ${preset:0:100}: expected planned or notebook"
[[ $topology =~ ^(|phones|words)$ ]] || refuse "--topology ${topology:0:100}: expected phones or words"
[[ -z $launcher || ( $launcher =~ ^[A-Za-z0-9_]+\.pl$ && -f utils/$launcher && -x utils/$launcher ) ]] ||
  refuse "--launcher $(printf %q "${launcher:0:100}"): expected run.pl or slurm.pl"
[[ -d $conf_dir ]] || refuse "--conf_dir $conf_dir: no such directory"
[[ $parts =~ ^(|[A-Za-z0-9_]{1,20}(,[A-Za-z0-9_]{1,20})*)$ ]] ||
  refuse "--parts $(printf %q "${parts:0:100}"): expected names with commas between them, such as 01,04"
[ -n "$parts" ] || { [[ $corpus = reddots || $corpus = synthetic ]] && parts=01; } || parts=01,words
topology=${topology:-$([ "$corpus" = reddots ] && echo phones || echo words)}
[ "$corpus" = synthetic ] && systems=${systems:-$QUICK} || systems=${systems:-$SYSTEMS}
# find_among OPTION NAME,...: refuses the option unless it has some of the names, or is - for none.
find_among() {
  local name
  [ "${!1}" != - ] || printf -v "$1" ''
  for name in ${!1//,/ }; do
    [[ ,$2, = *",$name,"* ]] || refuse "--$1 $(printf %q "${name:0:100}"): expected some of $([ "$1" = systems ] || echo "--systems, ")$2"
  done
}
find_among systems "$SYSTEMS"
[ -n "$systems" ] || refuse "--systems: expected some of $SYSTEMS"
find_among as_norm "$systems"
if [ -z "$fuse" ]; then # what tells voices apart, and what tells words apart
  for system in gmm_llr hmm_viterbi hmm_utterance dtw_cosine; do
    [[ ,$systems, != *",$system,"* ]] || fuse+=${fuse:+,}$system
  done
fi
[[ -z $cohort || ,$systems, = *,dvector,* ]] || refuse "--cohort $cohort: is for the system dvector; add it to --systems"
find_among fuse "$systems${as_norm:+,${as_norm//,/_as_norm,}_as_norm}${cohort:+,dvector_cohort}"
[ "$force" = true ] || force= # --set ubm.force=true redoes one stage
export PS_LAUNCHER=${launcher:-${PS_LAUNCHER:-}}
. ./cmd.sh

. utils/lock_dir.sh
lock_dir "$exp"
extras=audio
[ "$corpus" != reddots ] || [ -e "$data_dir/infos/phones.csv" ] || extras+=,lexicon # letters to sounds
PS_PYTHON_BIN=$(utils/setup_env.sh --extras "$extras")
export PS_PYTHON_BIN
. ./path.sh
start_answering # what has nothing to do is told by one process

title() { echo "$(date +%H:%M:%S) stage $*"; }

# The values of --set for each stage, which are all checked before the first stage.
CONF_OTHERS= # --conf_dir has files of stages alone
read_settings seed preset topology

# Puts into the array `given` the options of stage $1: its conf file, its --set with key=value,... of `fixed` over it, and the
# variables $2... that are set.
stage_options() {
  local conf=$conf_dir/$1.yaml set=${set_of[$1]}
  [ -e "$conf" ] || conf=
  [ -z "${fixed-}" ] || [ -z "$set" ] || set=$(python3 -m utils.key_values "$set" "$fixed")
  set=${set:-${fixed-}}
  give conf set "${@:2}"
}

# Puts into the array `lists` those that stage 0 has made.
find_lists() {
  [ -s "$data/lists" ] || refuse "$data/lists: no such file; run stage 0 first"
  mapfile -t lists < <(cut -d ' ' -f 1 "$data/lists")
}

# The UBM of list $1 in `ubm`: where there is other speech for it, that is the same for all lists.
find_ubm() {
  [ -d "$data/ubm_$1" ] && ubm=$exp/ubm || ubm=$exp/$1/ubm
}

# wants PATTERN...: whether a system of --systems begins like one of these.
wants() {
  local pattern
  for pattern in "$@"; do
    [[ ,$systems != *",$pattern"* ]] || return 0
  done
  return 1
}

# has_cohort LIST SYSTEM: whether the system is normalised, and each list of the part has a cohort who say its sentences.
has_cohort() {
  local name
  [[ ,$as_norm, = *",$2"* ]] || return 1
  while read -r name _; do
    [ -d "$data/cohort_$name" ] || return 1
  done < <(awk -v list="$1" '{ part[$1] = $2 } END { for (name in part) if (part[name] == part[list]) print name }' "$data/lists")
}

# adapt ROOM LIST PRIOR: models of the enrolments, and of the cohort.
adapt() {
  stage_options "map_$1" nj force
  "steps/$1/map_adapt.sh" --cmd "$train_cmd" "${given[@]}" "$data/enrol_$2" "$exp/feats/all" "$3" "$exp/$2/map_$1/enrol"
  ! has_cohort "$2" "$1" ||
    "steps/$1/map_adapt.sh" --cmd "$train_cmd" "${given[@]}" "$data/cohort_$2" "$exp/feats/all" "$3" "$exp/$2/map_$1/cohort"
}

# ivectors KIND LIST: an extractor of UBM posteriors (gmm) or of alignments (hmm), the vectors of all sides, and their backend.
ivectors() {
  local alignments='' hmm='' words='' side dir=$exp/$2/ivector_$1
  if [ "$1" = gmm ]; then
    find_ubm "$2"
  else
    ubm='' hmm=$exp/$2/mono alignments=$exp/$2/ali/background
    for side in background enrol test; do # what tests say is not known
      [ "$side" = test ] && words=loop || words=
      stage_options align nj words force
      steps/hmm/align.sh --cmd "$train_cmd" "${given[@]}" "$data/${side}_$2" "$hmm" "$exp/feats/all" "$exp/$2/ali/$side"
    done
  fi
  stage_options extractor nj ubm hmm alignments force
  steps/ivector/train.sh --cmd "$train_cmd" "${given[@]}" "$data/background_$2" "$exp/feats/all" "$dir/extractor"
  for side in background test enrol; do
    [ "$side" = enrol ] && by=model || by=recording
    [ "$1" = gmm ] || alignments=$exp/$2/ali/$side
    stage_options ivectors nj by alignments force
    steps/ivector/extract.sh --cmd "$train_cmd" "${given[@]}" "$data/${side}_$2" "$exp/feats/all" "$dir/extractor" "$dir/$side"
  done
  stage_options backend force
  unless_done python3 -m steps.ivector.train_backend "${given[@]}" --data "$dir/background" --out "$dir/backend"
}

# score SYSTEM LIST MODELS TESTS TRIALS OUT: scores of trials of models (enrol or cohort) against recordings (test or cohort).
score() {
  local room=${1%%_*} kind=${1##*_} fixed='' method='' paths='' verify='' backend='' ubm='' dir=$exp/$2/${1%_*} trials=$5 out=$6
  case $1 in
    gmm_*) method=$kind && stage_options gmm nj method force ;;
    hmm_utterance) verify=utterance && stage_options hmm_utterance nj verify force ;;
    hmm_*)
      ! grep -qs '^against:.*ubm' "$conf_dir/hmm.yaml" <(echo "against: ${set_of[hmm]}") || find_ubm "$2"
      paths=$kind && stage_options hmm nj paths ubm force
      ;;
    dtw_cosine) stage_options dtw nj force ;;
    dtw_posterior) fixed=distance=posterior && find_ubm "$2" && stage_options dtw nj ubm force ;;
    ivector_*) backend=$dir/backend && stage_options ivector nj kind backend force ;;
    *) stage_options vectors force ;;
  esac
  case $room in
    gmm | hmm) "steps/$room/score.sh" --cmd "$decode_cmd" "${given[@]}" "$trials" "$exp/$2/map_$room/$3" "$exp/feats/all" "$out" ;;
    dtw) steps/dtw/score.sh --cmd "$decode_cmd" "${given[@]}" "$trials" "$data/$3_$2" "$exp/feats/all" "$out" ;;
    ivector) steps/ivector/score.sh --cmd "$decode_cmd" "${given[@]}" "$trials" "$dir/$3" "$dir/$4" "$out" ;;
    *)
      given+=(--trials "$trials" --enrol "$data/$3_$2" --test "$data/$4_$2" --embeddings "$exp/embed/$room" --missing list)
      unless_done python3 -m steps.verify.score_trials "${given[@]}" --out "$out"
      [ "$1" != dvector ] || [ -z "$cohort" ] || [ "$5" != "$data/test_$2/trials" ] ||
        unless_done python3 -m steps.verify.score_trials "${given[@]}" --as_norm "$cohort" --out "${out}_cohort"
      ;;
  esac
}

# normalise SYSTEM LIST: AS-norm by the speakers of the background who say the same sentences.
normalise() {
  local scored=$exp/$2/scores/$1 cohort=$exp/$2/cohort/$1
  score "$1" "$2" enrol cohort "$data/cohort_$2/trials_enrol" "$cohort/enrol"
  score "$1" "$2" cohort test "$data/cohort_$2/trials_test" "$cohort/test"
  stage_options as_norm force
  unless_done python3 -m steps.verify.as_norm_trials "${given[@]}" --scores "$scored" --enrol_scores "$cohort/enrol" \
    --test_scores "$cohort/test" --enrol "$data/enrol_$2" --cohort "$data/cohort_$2" --out "${scored}_as_norm"
}

if [ "$stage" -le 0 ]; then
  root=$data_dir
  if [ "$corpus" != reddots ]; then
    root=$corpora/$corpus
    title "0: $corpus in the files of RedDots, in $root"
    stage_options corpus data_dir seed force
    unless_done python3 -m local.look_alike "${given[@]}" --corpus "$corpus" --out "$root"
  fi
  title "0: lists of $parts, in $data${ubm_data:+; speech for the UBM from $ubm_data}"
  data_dir=$root
  stage_options lists data_dir parts ubm_data force
  unless_done python3 -m local.reddots "${given[@]}" --out "$data"
fi

if [ "$stage" -le 1 ] && [ "$stop_stage" -ge 1 ]; then
  title "1: lexicon and states of $topology, in $exp/lang"
  find_lists
  phones='' digits='' english=''
  case $corpus in
    reddots) [ -e "$data_dir/infos/phones.csv" ] && phones=$data_dir/infos/phones.csv || english=true ;;
    arabic-digits) digits=arabic ;;
    *) digits=english ;;
  esac
  stage_options lexicon phones digits english force
  unless_done python3 -m steps.hmm.make_lexicon "${given[@]}" --data "$data/all" --out "$exp/lexicon"
  stage_options lang topology force
  unless_done python3 -m steps.hmm.make_lang "${given[@]}" --lexicon "$exp/lexicon" --out "$exp/lang"
fi

if [ "$stage" -le 2 ] && [ "$stop_stage" -ge 2 ]; then
  title "2: MFCC, speech frames, in $exp/feats"
  find_lists
  preset=${preset:-planned} # of the features
  stage_options features nj preset force
  steps/features/make_feats.sh --cmd "$train_cmd" "${given[@]}" --type mfcc "$data/all" "$exp/feats/raw"
  stage_options vad nj force
  steps/vad/detect.sh --cmd "$train_cmd" "${given[@]}" "$data/all" "$exp/vad"
  stage_options normalise force
  unless_done python3 -m steps.features.normalise "${given[@]}" --feats "$exp/feats/raw" --vad "$exp/vad" --out "$exp/feats/all"
fi

if [ "$stage" -le 3 ] && [ "$stop_stage" -ge 3 ]; then
  find_lists
  title "3: a UBM of each background, in $exp/<list>/ubm"
  for list in "${lists[@]}"; do
    [ -d "$data/ubm_$list" ] && speech=$data/ubm_$list || speech=$data/background_$list
    find_ubm "$list"
    [ "$ubm" != "${trained-}" ] || continue
    trained=$ubm
    stage_options ubm nj seed force
    steps/gmm/train_ubm.sh --cmd "$train_cmd" "${given[@]}" "$speech" "$exp/feats/all" "$ubm"
  done
fi

if [ "$stage" -le 4 ] && [ "$stop_stage" -ge 4 ] && wants hmm_ ivector_hmm; then
  find_lists
  title "4: hidden Markov models of each background, in $exp/<list>/mono"
  for list in "${lists[@]}"; do
    stage_options mono nj seed force
    steps/hmm/train_mono.sh --cmd "$train_cmd" "${given[@]}" "$data/background_$list" "$exp/lang" "$exp/feats/all" "$exp/$list/mono"
  done
fi

if [ "$stage" -le 5 ] && [ "$stop_stage" -ge 5 ]; then
  find_lists
  title "5: models of the enrolments, in $exp/<list>; embeddings, in $exp/embed"
  for list in "${lists[@]}"; do
    find_ubm "$list"
    ! wants gmm_ || adapt gmm "$list" "$ubm"
    ! wants hmm_ || adapt hmm "$list" "$exp/$list/mono"
    ! wants ivector_gmm || ivectors gmm "$list"
    ! wants ivector_hmm || ivectors hmm "$list"
  done
  if wants dvector; then
    stage_options embed nj force
    steps/embed/extract.sh --cmd "$train_cmd" "${given[@]}" "$data/all" "$exp/embed/dvector"
  fi
  if wants statistics; then
    steps/features/make_feats.sh --cmd "$train_cmd" --nj "$nj" --set bins=40 "$data/all" "$exp/feats/logmel"
    unless_done python3 -m steps.sid.summarise --feats "$exp/feats/logmel" --out "$exp/embed/statistics"
  fi
fi

if [ "$stage" -le 6 ] && [ "$stop_stage" -ge 6 ]; then
  find_lists
  title "6: scores by $systems, in $exp/<list>/scores"
  for list in "${lists[@]}"; do
    for system in ${systems//,/ }; do
      score "$system" "$list" enrol test "$data/test_$list/trials" "$exp/$list/scores/$system"
      ! has_cohort "$list" "$system" || normalise "$system" "$list"
    done
  done
fi

if [ "$stage" -le 7 ] && [ "$stop_stage" -ge 7 ]; then
  title "7: calibration, fusion and errors, in $exp/report"
  stage_options pool force
  unless_done python3 -m steps.verify.pool_scores "${given[@]}" --data "$data" --exp "$exp" --out "$exp/pooled"
  judged=$exp/pooled,$exp/calibrated
  stage_options calibrate seed force
  unless_done python3 -m steps.verify.calibrate "${given[@]}" --data "$data" --scores "$exp/pooled" --out "$exp/calibrated"
  if [[ $fuse = *,* ]]; then
    stage_options fuse seed force
    unless_done python3 -m steps.verify.fuse "${given[@]}" --data "$data" --scores "$exp/pooled" --systems "$fuse" --out "$exp/fused"
    judged+=,$exp/fused
  fi
  stage_options report seed force
  unless_done python3 -m steps.verify.error_report "${given[@]}" --data "$data" --scores "$judged" --out "$exp/report"
  echo "The report is $exp/report/report.html"
fi
