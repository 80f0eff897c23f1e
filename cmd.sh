# shellcheck shell=bash
# Which launcher runs the jobs, and with which resources. Sourced by run.sh; scripts take `--cmd "$train_cmd"` and may append
# to it (`"$train_cmd --mem 6G"`), but never ask which launcher it is.
#
#   run.pl    this machine (default)
#   slurm.pl  a SLURM cluster, once it is here: PS_LAUNCHER=slurm.pl ./run.sh ...; what an option means there (partition, account,
#             sbatch flags) stands in conf/slurm.conf, or in another file named by a `--config FILE` added below
#
# Every option of a launcher has one value, and each launcher ignores those that mean nothing to it: run.pl takes no notice of
# --mem and --num-threads. `--gpu 1` asks for one GPU a job, whether there are any or not; a later `--gpu 0` takes it back.

export PS_LAUNCHER=${PS_LAUNCHER:-run.pl}

export train_cmd="$PS_LAUNCHER --mem 4G"
export decode_cmd="$PS_LAUNCHER --mem 4G"
export cuda_cmd="$PS_LAUNCHER --mem 8G --gpu 1"
