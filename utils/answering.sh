# Copyright 2026 The PseudoSpeakers developers. Apache 2.0.
# shellcheck shell=bash
#
# For recipes: stages that have nothing to do are told by one process, which takes less than a start of Python for each.
# Source it after path.sh, then:
#
#   start_answering                          # once; scripts that it calls ask the same process
#   unless_done python3 -m steps.text.augment --data ...
#   is_done python3 -m steps.generators.merge_samples ... && exit
#
# Where a command has nothing to do, what it would say is said, and the status of is_done is 0. Otherwise it is 1, and 1 from
# then on; nothing has been said or written. Without start_answering is_done knows nothing, and its status is 1.

start_answering() {
  coproc PS_ANSWERING { exec python3 -m utils.answering; }
  local ask=${PS_ANSWERING[1]} hear=${PS_ANSWERING[0]}
  exec {PS_ASK}>"/dev/fd/$ask" {PS_HEAR}<"/dev/fd/$hear" # the shell keeps its own from scripts that are called, not these
  exec {ask}>&- {hear}<&-
  export PS_ASK PS_HEAR
}

is_done() {
  local answer printed logged line
  [ -n "${PS_ASK-}" ] || return 1
  # in a process of its own: writing to a process that is gone ends it
  if (printf '%s\0' "$#" "$@" >&"$PS_ASK") 2>/dev/null && read -r answer printed logged <&"$PS_HEAR" && [ "$answer" = "done" ]; then
    while ((printed-- > 0)) && IFS= read -r line <&"$PS_HEAR"; do printf '%s\n' "$line"; done
    while ((logged-- > 0)) && IFS= read -r line <&"$PS_HEAR"; do printf '%s\n' "$line" >&2; done
    return 0
  fi
  exec {PS_ASK}>&- {PS_HEAR}<&-
  unset PS_ASK PS_HEAR
  return 1
}

unless_done() {
  is_done "$@" || "$@"
}
