# Copyright 2026 The PseudoSpeakers developers. Apache 2.0.
# shellcheck shell=bash
#
# The Python commands own the defaults; a script passes on only the options that its user has set. Source it, then:
#
#   give seed force        # the array `given` is now --seed 7 --force true, without those that are empty
#   command "${given[@]}"
# shellcheck source=utils/answering.sh
. "${BASH_SOURCE[0]%/*}/answering.sh"

give() {
  local option
  given=()
  for option in "$@"; do
    [ -z "${!option}" ] || given+=("--$option" "${!option}")
  done
}

# add_settings backend seed: puts `backend=...,seed=...` over what the variable `set` says of them, without those that are empty.
add_settings() {
  local option value typed=
  for option in "$@"; do
    value=${!option//\\/\\\\}
    [ -z "$value" ] || typed+="${typed:+,}$option=\"${value//\"/\\\"}\""
  done
  if [ -z "$set" ] || [ -z "$typed" ]; then
    set+=$typed
  else
    set=$(python3 -m utils.key_values "$set" "$typed") || exit 1
  fi
}

# read_values steps.embed.extract use_gpu nj: sets these variables to the values of the command's options, as they follow
# from its defaults and the words of `given`.
read_values() {
  local names lines values number
  printf -v names '%s,' "${@:2}"
  lines=$(unless_done python3 -m "$1" "${given[@]}" --values "${names%,}") || exit 1
  mapfile -t values <<<"$lines"
  for ((number = 0; number < $# - 1; number++)); do
    printf -v "${*:number + 2:1}" '%s' "${values[number]-}"
  done
}

# read_settings seed preset: puts into `set_of` what --set, and these options over it, say of each stage of the array COMMANDS, whose
# items are stage=command. All of it is checked, with the files <stage>.yaml of $conf_dir. Where the script sets CONF_OTHERS, no
# others may be there but those that it names, such as CONF_OTHERS=grid for grid.yaml.
# shellcheck disable=SC2034,SC2154 # the script has conf_dir, COMMANDS and CONF_OTHERS, and reads set_of
read_settings() {
  local told=$set settings number
  local set=
  add_settings "$@"
  settings=$(unless_done python3 -m utils.stage_options --conf_dir "$conf_dir" --given "$told" --typed "$set" \
    ${CONF_OTHERS+--others "$CONF_OTHERS"} --commands "$(IFS=, && echo "${COMMANDS[*]}")") || exit 1
  mapfile -t settings <<<"$settings"
  declare -gA set_of
  for number in "${!COMMANDS[@]}"; do
    set_of[${COMMANDS[number]%%=*}]=${settings[number]-}
  done
}
