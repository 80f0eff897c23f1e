"""Jobs on a SLURM cluster: the Python side of `utils/slurm.pl`."""
