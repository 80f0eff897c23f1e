# shellcheck shell=bash
# Which launcher runs the jobs, and with which resources. Sourced by run.sh; scripts take `--cmd "$train_cmd"` and may append
# to it (`"$train_cmd --mem 6G"`), but never ask which launcher it is.
#
#   run.pl     this machine (default)
#   slurm.pl   a SLURM cluster; conf/slurm.conf says how sbatch is called, and names partitions and accounts
# Moving from one to the other is this line; `./run.sh --launcher slurm.pl` does the same for one run.

export PS_LAUNCHER=${PS_LAUNCHER:-run.pl}

# Each class of jobs, with what one job of it needs:
#   --mem 4G         memory of the job; --num-threads 4 processors (default 1)
#   --time 1:00:00   time limit. Training saves its state a minute before, and is submitted again until it is done
#   --gpu 1          GPUs. run.pl also runs the job where there is none; a cluster without GPUs refuses it, unless `option gpu=*`
#                    has no words in conf/slurm.conf, or with ./run.sh --use_gpu false. A later `--gpu 0` overrides this one
#   -p name          any option of sbatch with one dash, such as a partition of this class's own
# Every option has one value. run.pl ignores memory, processors and time.

export train_cmd="$PS_LAUNCHER --mem 4G --time 4:00:00"          # work on one processor
export decode_cmd="$PS_LAUNCHER --mem 4G --time 1:00:00"         # sampling, in many jobs
export cuda_cmd="$PS_LAUNCHER --mem 8G --time 4:00:00 --gpu 1"   # training of networks
