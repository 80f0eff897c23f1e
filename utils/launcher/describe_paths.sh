#!/usr/bin/env bash
# Copyright 2026 The PseudoSpeakers developers. Apache 2.0.
#
# utils/launcher/describe_paths.sh LIST: the name of this machine, then for each path of the file LIST what is to be seen
# there: "no", or a number that is the same wherever the same file, or a directory with the same names in it, is seen.
set -euo pipefail

hostname
while IFS= read -r path; do
  if [ ! -r "$path" ]; then
    echo no
  elif [ -d "$path" ]; then
    find "$path" -mindepth 1 -maxdepth 1 -printf '%f\n' | sort | cksum | cut -d ' ' -f 1
  else
    stat -Lc %s "$path"
  fi
done <"$1"
