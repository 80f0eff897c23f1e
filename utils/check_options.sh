# Copyright 2026 The PseudoSpeakers developers. Apache 2.0.
# shellcheck shell=bash disable=SC2154 # variables of the script that sources it
#
# For scripts: checks of the options that they use themselves, before anything is written. Source it after
# utils/parse_options.sh, then:
#
#   check_stages 6         # stage and stop_stage are numbers in order, the first 6 at most
#   check_gpus             # gpus is empty or a number of GPUs, and use_gpu does not contradict it
#   check_jobs             # nj is a number of jobs that launchers take
#   check_paths data exp   # tables can hold these paths, and no program takes them for options
#   refuse "--corpus $corpus: expected demo"
#
# A path that begins with a dash gets ./ in front; a lone dash stays. Where one finds a fault, the script ends with one line on
# standard error and status 1.

refuse() {
  local message=$*
  echo "$0: ERROR: ${message//[[:cntrl:]]/?}" >&2
  exit 1
}

check_stages() {
  local number='^(0|[1-9][0-9]{0,8})$'
  [[ $stage =~ $number && $stop_stage =~ $number && $stage -le $stop_stage && $stage -le $1 ]] ||
    refuse "--stage ${stage:0:40} --stop_stage ${stop_stage:0:40}: expected two numbers, the second not below the first," \
      "the first $1 at most"
}

check_gpus() {
  [ -n "$gpus" ] || return 0
  [[ $gpus =~ ^[1-9][0-9]{0,3}$ ]] ||
    refuse "--gpus ${gpus:0:40}: expected a number of GPUs, 1 or more; CUDA_VISIBLE_DEVICES=2,5 chooses which"
  [[ $use_gpu != false ]] || refuse "--gpus $gpus --use_gpu false: give one of the two"
}

check_jobs() {
  [[ $nj =~ ^[1-9][0-9]{0,5}$ && $nj -le 100000 ]] || refuse "--nj ${nj:0:40}: expected a number, 1 or more, 100000 at most"
}

check_paths() {
  local option value
  for option in "$@"; do
    value=${!option}
    ((${#value} <= 3000)) || # the system knows 4096 bytes, with what is below it
      refuse "--$option ${value:0:100}...: a path of ${#value} characters; expected 3000 or fewer"
    [[ ! ${!option} =~ [[:cntrl:]]|^[[:space:]\|]|[[:space:]\|]$ ]] ||
      refuse "--$option $(printf %q "${!option:0:100}"): expected a path without line breaks, tabs, and blanks or | at its ends"
    [[ ${!option} != -?* ]] || printf -v "$option" ./%s "${!option}"
  done
}
