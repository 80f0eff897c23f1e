#!/usr/bin/env perl
# Copyright 2026 The PseudoSpeakers developers. Apache 2.0.
#
# What slurm.pl has SLURM run on a node: one job, framed in its log as run.pl frames it.
#
#   slurm_job.pl NAME NUMBER THREADS LOGFILE COMMAND-TEXT
#
# NUMBER replaces NAME (empty: no range) in LOGFILE and COMMAND-TEXT. SIGTERM (cancelled, preempted) and SIGUSR1 (the time limit
# is near) are passed on to all processes of the job; launcher/JobShell.pm says what they do there. A job that SLURM or
# slurm.pl runs again continues its log. The exit status is the job's.

use strict;
use warnings;
use Cwd           ();
use Sys::Hostname ();

BEGIN { unshift @INC, (Cwd::realpath($0) =~ m{^(.*)/}s)[0] }
use CommandLine qw(for_job);
use JobLog   ();
use JobShell qw(become_shell);

my ($name, $number, $threads, $log, $text) = @ARGV;
($log, $text) = map { for_job($_, $name eq '' ? undef : $name, $number) } $log, $text;

my $pid;
my @early;    # signals that came before there was a job
for my $signal (qw(TERM USR1)) {
    $SIG{$signal} = sub { $pid ? kill $signal, -$pid : push @early, $signal };
}
my @facts = map { "$_=$ENV{$_}" } grep { defined $ENV{$_} } qw(SLURM_JOB_ID SLURM_ARRAY_JOB_ID SLURM_JOB_PARTITION CUDA_VISIBLE_DEVICES);
my $begin = time;
JobLog::start($log, $text, 1, 'Running on ' . Sys::Hostname::hostname(), @facts);    # slurm.pl has removed a log of old
my $child = fork // die "slurm_job.pl: cannot fork: $!\n";
become_shell($log, $text) if $child == 0;
setpgrp $child, $child;
$pid = $child;
kill $_, -$pid for @early;
while (waitpid($pid, 0) < 0) { }    # a signal interrupts it
my $status = $?;
JobLog::finish($log, $status, time - $begin, $threads);
exit($status & 127 ? 128 + ($status & 127) : $status >> 8);
