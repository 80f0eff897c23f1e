#!/usr/bin/env bash
# Copyright 2026 The PseudoSpeakers developers. Apache 2.0.
#
# Does a node of the cluster see what this machine sees? Runs one small job through the launcher, compares this directory, the
# Python environment and the given paths here and there, and says what to do about each difference.
#
# writes  <dir>/check_nodes: the paths, what was seen here and there, and the log of the job
# Exit status: 0 if both see all, under the same names and with the same content.
set -euo pipefail

help_message="usage: utils/check_nodes.sh [options] [path ...]
  --cmd   launcher and resources (default: train_cmd of cmd.sh)
  --dir   a directory that the nodes must share, to work in (default: exp)
  The paths are what jobs read or write: corpora, embeddings, data and exp."
. ./cmd.sh
cmd=$train_cmd
dir=exp
arguments="[<path> ...]"
. utils/parse_options.sh
. utils/check_options.sh
check_paths dir
[ -n "$dir" ] || refuse "--dir is empty; expected a directory"
for path in "$@"; do
  check_paths path
done
PS_PYTHON_BIN=$(utils/setup_env.sh)
export PS_PYTHON_BIN
. ./path.sh
. utils/launcher/jobs.sh

seen=$dir/check_nodes
rm -rf "$seen"
mkdir -p "$seen/shared/by-$(hostname)-$$" # a name that only this disk has
realpath -ms . "$PS_PYTHON_BIN" "$seen/shared" "$@" >"$seen/paths"
utils/launcher/describe_paths.sh "$seen/paths" >"$seen/here"
launcher_words "$seen/paths"
paths=${words[*]}
launcher_words "$seen/there"
# shellcheck disable=SC2086 # the launcher and its options are words
if ! $cmd --log-wait 10 "$seen/log/node.log" utils/launcher/describe_paths.sh "$paths" \> "${words[*]}" \; \
  python3 -c 'import numpy'; then
  echo "$0: ERROR: the job has failed, see above, $seen/log/node.log and, of slurm.pl, $seen/q/node/slurm.log" >&2
  echo "$0: where these say nothing, the nodes do not see $(realpath "$dir"): put --dir, exp and data on a shared disk" >&2
  exit 1
fi

status=0
{
  IFS= read -r here <&3
  IFS= read -r there <&4
  printf 'this machine: %s, node: %s\n' "$here" "$there"
  while IFS= read -r path && IFS= read -r here <&3 && IFS= read -r there <&4; do
    if [ "$here" = "$there" ] && [ "$here" != no ]; then
      verdict=ok
    elif [ "$here" = "$there" ]; then
      verdict='MISSING: neither machine sees it'
    elif [ "$here" = no ]; then
      verdict='ONLY ON NODES: run the stages that read it on a node, see utils/slurm/README.md'
    elif [ "$there" = no ]; then
      verdict='ONLY HERE: run the stages that read it with --launcher run.pl, or copy it to a shared disk'
    else
      verdict='DIFFERENT: two disks under one name; use a path that both share'
    fi
    [ "$verdict" = ok ] || status=1
    printf '  %-14s %s\n' "${verdict%%:*}" "$path${verdict#"${verdict%%:*}"}"
  done <"$seen/paths"
} 3<"$seen/here" 4<"$seen/there"
exit $status
