# Copyright 2026 The PseudoSpeakers developers. Apache 2.0.
# shellcheck shell=bash
#
# For scripts that start jobs through a launcher. Source it.

# Puts its arguments into the array `words`, so written that a job gets them as they are. A launcher hands words without blanks
# to bash as live shell and wraps others in quotes that do not stop `$`; here nothing is left that either could touch.
launcher_words() {
  local word
  words=()
  for word in "$@"; do
    printf -v word %q "$word"
    # blanks too: inside $'...' by their number, elsewhere as a piece of that kind
    if [[ $word == \$\'* ]]; then word=${word// /\\040}; else word=${word//\\ /\$\'\\040\'}; fi
    words+=("$word")
  done
}

# Prints each distinct error line of the logs of jobs 1 to $2, where $1 is their name with JOB for the number.
show_errors() {
  local job
  for ((job = 1; job <= $2; job++)); do
    grep -hs ': ERROR: ' "${1/JOB/$job}" || true
  done | sort -u >&2
}
