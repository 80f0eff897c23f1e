#!/usr/bin/env perl
# Copyright 2026 The PseudoSpeakers developers. Apache 2.0.
#
# slurm.pl runs a command, or an array of commands, on a SLURM cluster, as run.pl does on this machine:
#
#   utils/slurm.pl [options] [JOB=first:last | JOB=n] [options] LOGFILE COMMAND...
#
# It submits, waits, and says what has become of each job. Command line, quoting, logs and exit status are run.pl's; here the
# command line is read (launcher/CommandLine.pm), the rest is the package utils/slurm, on submitit. The current directory,
# the logs and this checkout must be visible, under the same names, on the nodes: utils/check_nodes.sh tells.
#
# Options, each with one value; an option of the command line wins over the same one in the configuration file:
#   --mem 4G, --num-threads 4, --gpu 1, --time 4:00:00   what a job needs; conf/slurm.conf says how sbatch is asked for it
#   --max-jobs-run N     at most N jobs at once
#   --pick WHICH         all (default) | failed: leave out jobs whose log ends with code 0 | incomplete: leave out all whose
#                        log has a footer (a failure stays a failure)
#   --max-restarts N     how often a job that ends with status 85 ("run me again") is submitted again; default 20
#   --config FILE        in place of conf/slurm.conf, the current directory's or else the one of this checkout
#   -p gpu, -A project, -x node3, ...   options with one dash are passed to sbatch as they are
# Waits in seconds, also as `default poll_first=1` in the configuration file:
#   --poll-first 1, --poll-slowest 60   the scheduler is asked about all jobs at once, at first and at last every so many seconds
#   --pending-limit 600  a job that can never start is reported and cancelled after so long; one that only waits is reported
#   --log-wait 60        from the end of a job to the footer in its log (network file systems are slow)
#   --controller-wait 3600  as long as slurmctld may be away
#   --command-timeout 30    for one call of sbatch, squeue or scancel
#
# Exit status: 0 if all jobs succeeded; 1 if one failed or could not be submitted; 255 on wrong usage. Stopped by SIGINT,
# SIGTERM or SIGHUP, or when its parent process is gone, it cancels its jobs and dies by the signal; killed by SIGKILL, a watchdog
# cancels them. The logs of such jobs are left without footer. To outlive a login, start the recipe above it with nohup or in tmux.

use strict;
use warnings;
use Cwd ();

my $root;
BEGIN { ($root) = Cwd::realpath($0) =~ m{^(.*)/utils/}s; unshift @INC, "$root/utils/launcher" }
use CommandLine qw(parse command_text fail);

my $line = parse(\@ARGV, 255);
my @options = map { join "\x1f", @$_ } @{$line->{options}};

# Too long for an argument or the environment, the request goes through standard input.
open my $request, '+>', undef or fail(1, "cannot write a temporary file: $!");
print $request join "\0", $line->{name} // '', @$line{qw(first last log)}, command_text($line->{command}), @options;
seek $request, 0, 0;
open STDIN, '<&', $request or fail(1, "cannot read a temporary file: $!");

my ($python) = grep { -x } map { "$_/python3" } grep { defined } $ENV{PS_PYTHON_BIN}, "$root/.venv/bin", split /:/, $ENV{PATH};
fail(1, "found no python3; run $root/utils/setup_env.sh") unless defined $python;
$ENV{PYTHONPATH} = join ':', $root, grep { defined && $_ ne '' } $ENV{PYTHONPATH};
exec $python, '-m', 'utils.slurm' or fail(1, "cannot run $python: $!");
