#!/usr/bin/env bash
# Copyright 2026 The PseudoSpeakers developers. Apache 2.0.
#
# Repairs a Kaldi data directory, with the options of Kaldi's script of this name:
#
#   utils/fix_data_dir.sh [--utt-extra-files "FILES"] [--spk-extra-files "FILES"] <data-dir>
#
# Sorts, keeps the utterances that all files list, derives spk2utt; originals go to <data-dir>/.backup, those of a
# second repair to .backup.2 (utils/fix_data_dir.py has the rules).
set -euo pipefail

# shellcheck source=path.sh
. "$(dirname "$(readlink -f "$0")")/../path.sh"
exec python3 -m utils.fix_data_dir "$@"
