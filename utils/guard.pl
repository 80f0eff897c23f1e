#!/usr/bin/env perl
# Copyright 2026 The PseudoSpeakers developers. Apache 2.0.
#
# guard.pl runs a script so that nothing it has started outlives it, however it ends:
#
#   utils/guard.pl SCRIPT [ARGUMENT...]
#
# A script puts itself under a guard in its first line:
#
#   [[ ${PS_GUARD-} == "$PPID".* ]] || exec utils/guard.pl "$0" "$@"
#
# PS_GUARD, `<process id of the guard>.<random>`, is in the environment of all that the script starts: by it these processes are
# found, whatever their parents, groups and sessions. They are ended when the script has ended, when SIGINT, SIGTERM or SIGHUP
# comes, and, by a second process that watches the guard, when the guard is killed. First the process group of the guard gets
# SIGTERM, so that launchers can end their jobs; what is left after some seconds gets SIGKILL, but for the watchdog of slurm.pl.
#
# Exit status: that of the script; after a signal, the guard dies by the same signal. A signal that is ignored when it starts
# stays ignored (HUP under nohup).

use strict;
use warnings;
use Config;
use POSIX ();

my $GRACE_SECONDS = 7;                   # from SIGTERM to SIGKILL
my $KILL_SECONDS  = 2;                   # from there to the end
my $LEFT_ALONE    = 'slurm_watchdog';    # the name of the process that cancels the jobs of a dead slurm.pl, and ends then

die "usage: utils/guard.pl SCRIPT [ARGUMENT...]\n" unless @ARGV;
my $mark  = join '.', $$, map { sprintf '%08x', rand 2**32 } 1, 2;
my $group = getpgrp;
my $pid;           # of the script
my $stopped_by;    # name of the signal that ended us

my ($watcher, $alive) = start_watcher();
my $status = run_script();
print STDERR "$ARGV[0]: stopped by SIG$stopped_by\n" if $stopped_by;
end_all();
close $alive;
waitpid $watcher, 0;
my @signals = split ' ', $Config{sig_name};
die_by($stopped_by // $signals[$status & 127]) if $stopped_by || $status & 127;
exit $status >> 8;

# Starts the process that ends everything when this one is gone, even by SIGKILL: (its number, what keeps it waiting).
sub start_watcher {
    pipe my $reader, my $writer or die "guard.pl: cannot make a pipe: $!\n";
    my $watcher = fork // die "guard.pl: cannot fork: $!\n";
    return ($watcher, $writer) if $watcher;
    my $guard = getppid;
    close $writer;
    POSIX::setsid();    # to outlive the process group
    $SIG{$_} = 'IGNORE' for qw(INT TERM HUP);
    $0 = "watcher of process $guard";
    open STDIN,  '<', '/dev/null';
    open STDOUT, '>', '/dev/null';
    open STDERR, '>', '/dev/null';
    until (defined sysread $reader, my $byte, 1) { }    # the end of the pipe is that of the guard
    end_all();
    POSIX::_exit(0);
}

# Runs the script to its end: its wait status.
sub run_script {
    my $handler = sub {
        $stopped_by //= $_[0];
        kill 'TERM', $pid if $pid;
        alarm 1;    # a script that ignores it is waited for no longer
    };
    $SIG{ALRM} = sub {
        $SIG{ALRM} = 'IGNORE';
        end_all();
    };
    $SIG{$_} = $handler for grep { ($SIG{$_} // '') ne 'IGNORE' } qw(INT TERM HUP);
    my $child = fork // die "guard.pl: cannot fork: $!\n";
    if ($child == 0) {
        $SIG{$_} = 'DEFAULT' for grep { ref $SIG{$_} } keys %SIG;
        $ENV{PS_GUARD} = $mark;
        exec 'bash', @ARGV or POSIX::_exit(127);
    }
    $pid = $child;
    kill 'TERM', $pid if $stopped_by;    # the signal came before this line
    waitpid $pid, 0;                     # goes on after a signal
    my $status = $?;
    $SIG{ALRM} = 'IGNORE';
    $pid = undef;
    return $status;
}

# Ends all processes that the script has left.
sub end_all {
    my ($start, %asked) = time;
    while (my %left = marked()) {
        my $waited = time - $start;
        return if $waited > $GRACE_SECONDS + $KILL_SECONDS;
        my @first = grep { $left{$_} == $group } keys %left;
        my @to_ask = @first ? @first : keys %left;    # launchers end their jobs, which have groups of their own
        if   ($waited < $GRACE_SECONDS) { kill 'TERM', grep { !$asked{$_}++ } @to_ask }
        else                            { kill 'KILL', keys %left }
        select undef, undef, undef, 0.05;
    }
}

# The running processes that have our mark: number -> process group.
sub marked {
    my %found;
    for my $folder (glob '/proc/[0-9]*') {
        my %has = map { $_ => 1 } split /\0/, content("$folder/environ") // '';
        next unless $has{"PS_GUARD=$mark"};
        my ($name, $state, $process_group) = (content("$folder/stat") // '') =~ /\((.*)\) (\S) \d+ (\d+)/s or next;
        $found{substr $folder, 6} = $process_group unless $name eq $LEFT_ALONE || $state =~ /[ZX]/;
    }
    return %found;
}

sub content {
    my ($path) = @_;
    open my $file, '<', $path or return undef;
    local $/;
    return scalar <$file>;
}

# Ends this process by a signal. Never returns.
sub die_by {
    my ($signal) = @_;
    $SIG{$signal} = 'DEFAULT' unless $signal eq 'KILL';
    kill $signal, $$;
    my %number = map { $signals[$_] => $_ } 0 .. $#signals;
    exit 128 + $number{$signal};    # as the first process of a container, which signals do not end
}
