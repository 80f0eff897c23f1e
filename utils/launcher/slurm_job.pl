#!/usr/bin/env perl
# Copyright 2026 The PseudoSpeakers developers. Apache 2.0.
#
# What slurm.pl has SLURM run on a node: one job, framed in its log as run.pl frames it.
#
#   slurm_job.pl FOLDER NAME THREADS LOGFILE NUMBER
#
# The file `command` of FOLDER holds what bash evaluates; there and in LOGFILE, NUMBER replaces NAME (empty: no range). SIGTERM
# (cancelled, preempted) and SIGUSR1 (the time limit is near) are passed on to all processes of the job; launcher/JobShell.pm says
# what they do there. A job that SLURM or slurm.pl runs again continues its log. When that is complete, FOLDER/ended.NUMBER
# gets the job's status, which is also the exit status.

use strict;
use warnings;
use Cwd           ();
use Sys::Hostname ();

BEGIN { unshift @INC, (Cwd::realpath($0) =~ m{^(.*)/}s)[0] }
use CommandLine qw(for_job);
use JobLog   ();
use JobShell qw(become_shell);

my ($folder, $name, $threads, $log, $number) = @ARGV;
my $marker = "$folder/ended.$number";
unlink $marker;
my ($text) = do { local $/; open my $file, '<', "$folder/command" or die "cannot read $folder/command: $!\n"; <$file> };
($log, $text) = map { for_job($_, $name eq '' ? undef : $name, $number) } $log, $text;

my $pid;
my @early;    # signals that came before there was a job
for my $signal (qw(TERM USR1)) {
    $SIG{$signal} = sub { $pid ? kill $signal, -$pid : push @early, $signal };
}
my @facts = map { "$_=$ENV{$_}" } grep { defined $ENV{$_} } qw(SLURM_JOB_ID SLURM_ARRAY_JOB_ID SLURM_JOB_PARTITION CUDA_VISIBLE_DEVICES);
my $begin = time;
JobLog::start($log, $text, 1, 'Running on ' . Sys::Hostname::hostname(), @facts);    # slurm.pl has removed the log of an earlier run
my $child = fork // die "slurm_job.pl: cannot fork: $!\n";
become_shell($log, $text) if $child == 0;
setpgrp $child, $child;
$pid = $child;
kill $_, -$pid for @early;
while (waitpid($pid, 0) < 0) { }    # a signal interrupts it
my $status = $?;
my $code = $status & 127 ? 128 + ($status & 127) : $status >> 8;
JobLog::finish($log, $status, time - $begin, $threads);
open my $file, '>', "$marker.tmp" or die "cannot write $marker: $!\n";
print $file "$code\n";
close $file or die "cannot write $marker: $!\n";
rename "$marker.tmp", $marker or die "cannot write $marker: $!\n";
exit $code;
