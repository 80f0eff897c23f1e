#!/usr/bin/env bash
# Copyright 2026 The PseudoSpeakers developers. Apache 2.0.
#
# Validates a Kaldi data directory, with the options of Kaldi's script of this name:
#
#   utils/validate_data_dir.sh [--no-text] [--no-feats] [--no-wav] [--no-spk-sort] [--non-print] <data-dir>
#
# Exit status 0 if the directory is valid, otherwise 1 after the problems, each with its file (utils/data_dir.py has the rules).
set -euo pipefail

# shellcheck source=path.sh
. "$(dirname "$(readlink -f "$0")")/../path.sh"
exec python3 -m utils.data_dir "$@"
