# shellcheck shell=bash
# Which launcher runs the jobs, and with which resources. Sourced by run.sh; scripts take `--cmd "$train_cmd"` and may append
# to it (`"$train_cmd --mem 6G"`), but never ask which launcher it is.
#
#   run.pl    this machine (default)
# Another launcher with the same command line is named by PS_LAUNCHER=<program> ./run.sh ...
#
# Every option of a launcher has one value, and each launcher ignores those that mean nothing to it: run.pl takes no notice of
# --mem and --num-threads. `--gpu 1` asks for one GPU a job, whether there are any or not; a later `--gpu 0` takes it back.

export PS_LAUNCHER=${PS_LAUNCHER:-run.pl}

export train_cmd="$PS_LAUNCHER --mem 4G"
export decode_cmd="$PS_LAUNCHER --mem 4G"
export cuda_cmd="$PS_LAUNCHER --mem 8G --gpu 1"
