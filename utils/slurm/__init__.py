"""Jobs on a SLURM cluster: what stands behind `utils/slurm.pl`."""
