#!/usr/bin/env bash
# Copyright 2026 The PseudoSpeakers developers. Apache 2.0.
#
# Runs a command as the jobs 1 to N of one array:
#
#   bash utils/launcher/array.sh LAUNCHER N LOG COMMAND...
#
# LAUNCHER is a launcher with its options, such as "run.pl --mem 4G". The last JOB of LOG, and the word JOB after `--job`, is the
# job's number; every other word reaches a job as it is. This process becomes the launcher, whose exit status is then its own.
set -euo pipefail

# shellcheck source=utils/launcher/jobs.sh
. "$(dirname "$0")/jobs.sh"
# shellcheck source=path.sh
. "$(dirname "$0")/../../path.sh"
check_launcher "$1"
launcher_line JOB=1:"$2" "$3" -- "${@:4}"
# shellcheck disable=SC2086 # the launcher and its options are words
exec $1 "${line[@]}"
