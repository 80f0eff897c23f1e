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
