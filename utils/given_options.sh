# Copyright 2026 The PseudoSpeakers developers. Apache 2.0.
# shellcheck shell=bash
#
# Defaults are those of the Python commands; a script hands on only what its user has set. Source it, then:
#
#   give seed force        # the array `given` is now --seed 7 --force true, without those that are empty
#   command "${given[@]}"
give() {
  local option
  given=()
  for option in "$@"; do
    [ -z "${!option}" ] || given+=("--$option" "${!option}")
  done
}

# add_settings backend seed: adds key=value of those that are not empty to `set`, for commands that share it.
add_settings() {
  local option value
  for option in "$@"; do
    value=${!option//\\/\\\\}
    [ -z "$value" ] || set+="${set:+,}$option=\"${value//\"/\\\"}\""
  done
}

# read_values steps.embed.extract use_gpu nj: sets these variables to the values that the command takes with the options
# of `given`, from a file, --set or its defaults.
read_values() {
  local names lines values number
  printf -v names '%s,' "${@:2}"
  lines=$(python3 -m "$1" "${given[@]}" --values "${names%,}") || exit 1
  mapfile -t values <<<"$lines"
  for ((number = 0; number < $# - 1; number++)); do
    printf -v "${*:number + 2:1}" '%s' "${values[number]-}"
  done
}
