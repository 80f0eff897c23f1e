#!/usr/bin/env perl
# Copyright 2026 The PseudoSpeakers developers. Apache 2.0.
#
# run.pl runs a command, or an array of commands, on this machine:
#
#   utils/run.pl [options] [JOB=first:last | JOB=n] [options] LOGFILE COMMAND...
#
# Each occurrence of the job variable (any identifier; JOB by habit) in LOGFILE and COMMAND is replaced by the job's number.
# COMMAND is evaluated by bash, in the current directory and environment, without input; both its streams go to LOGFILE,
# between the header and footer of launcher/JobLog.pm. All jobs run, even after one has failed. Words with white space are
# quoted on the way (launcher/CommandLine.pm says how); text that a user has typed is better passed in a file.
#
# Options; others (--mem 4G, --num-threads 4, ...) are accepted, with one value each, and ignored:
#   --max-jobs-run N, -tc N  at most N jobs at once (the smallest wins); default: one a processor, or all where that is not
#                            many more; with --gpu, as many as there are GPUs for
#   --gpu N                  N other than 0: each job sees N GPUs only, which no other job sees at the same time, by
#                            CUDA_VISIBLE_DEVICES (within the list that this variable holds already, if any). Where there is
#                            no GPU, a job has OMP_NUM_THREADS processors
#   --expect-mem MB          what a job needs at its peak: by default no more jobs run at once than the free memory is enough for
#   --pick WHICH             all (default) | failed: leave out jobs whose log ends with code 0 | incomplete: leave out all whose
#                            log has a footer (a failure stays a failure)
#   --max-restarts N         how often a job that ends with status 85 ("run me again": it has saved what it needs to go on) is
#                            run again; default 20. Its log is continued
#
# Exit status: 0 if all jobs succeeded; 1 if one failed, or where a log's name is refused; 255 on wrong usage. Stopped by
# SIGINT, SIGTERM or SIGHUP, or when its parent process is gone, it kills the process groups of its jobs, whose logs are left
# without footer, and dies by the signal. A signal that is ignored when it starts stays ignored (HUP under nohup, INT of a script
# in the background); to outlive a login, put nohup in front of the recipe above.

use strict;
use warnings;
use Cwd   ();
use POSIX ();

BEGIN { unshift @INC, (Cwd::realpath($0) =~ m{^(.*)/}s)[0] . '/launcher' }
use CommandLine qw(parse command_text for_job fail warning);
use JobLog ();
use JobShell qw(become_shell);

my $GRACE_SECONDS = 2;    # from SIGTERM to SIGKILL, and from there to the end

my $line    = parse(\@ARGV, 255);
my %options = read_options($line->{options});
my $command = command_text($line->{command});
my $parent  = getppid;
my %running;              # process id (= process group) -> {number, log, slot, started}
my %restarts;             # number of a job -> how often it has been run again
my $starting;             # true while a job may run that %running does not know yet
my $stopped_by;           # name of the signal that ended us
my ($wanted, $ended) = (0, 0);    # number of jobs, and of those that have ended
my $drawn;                # is there a bar on the terminal?

exit(run_all() ? 0 : 1);

# Runs the picked jobs; true if none failed.
sub run_all {
    my @jobs   = $line->{first} .. $line->{last};
    my @picked = grep { !defined kept_code($_) } @jobs;
    my $failed = grep { kept_code($_) } @jobs;
    my @gpus   = $options{gpu} ? shares_of_gpus() : ();
    my @free   = (0 .. slots(scalar @jobs, scalar @gpus) - 1);
    $wanted = @picked;
    watch_signals_and_parent();
    while (@picked || %running) {
        if (@picked && @free) {
            my $slot = shift @free;
            my $gpu  = @gpus ? $gpus[$slot % @gpus] : undef;
            next if start_job(shift @picked, $slot, $gpu);
            $failed++;
            unshift @free, $slot;
        } else {
            my ($job, $wait_status) = wait_for_job();
            if (!close_job($job, $wait_status)) {
                if   (may_run_again($job, $wait_status)) { unshift @picked, $job->{number} }
                else                                     { $failed++ }
            }
            $ended = $wanted - @picked - keys %running;
            @free = sort { $a <=> $b } @free, $job->{slot};
        }
    }
    erase_bar();
    report($failed, scalar @jobs) if $failed;
    return !$failed;
}

# The options that run.pl acts on, checked: gpu (how many a job), pick, max_restarts, max_jobs (undef: not given).
sub read_options {
    my ($given) = @_;
    my %options = (gpu => 0, pick => 'all', max_jobs => undef, max_restarts => $JobLog::MAX_RESTARTS, expect_mem => 0);
    for my $option (@$given) {
        my ($name, $value) = @$option;
        if ($name eq '--max-jobs-run' || $name eq '-tc') {
            fail(255, "$name expects a positive number, not '$value'") unless $value =~ /^0*[1-9]\d*\z/;
            $options{max_jobs} = $value if !defined $options{max_jobs} || $value < $options{max_jobs};
        } elsif ($name eq '--gpu') {
            fail(255, "--gpu expects a number, not '$value'") unless $value =~ /^\d*\z/;
            $options{gpu} = $value || 0;
        } elsif ($name eq '--pick') {
            fail(255, "--pick expects all, failed or incomplete, not '$value'") unless $value =~ /^(all|failed|incomplete)\z/;
            $options{pick} = $value;
        } elsif ($name eq '--max-restarts') {
            fail(255, "--max-restarts expects a number, not '$value'") unless $value =~ /^\d+\z/;
            $options{max_restarts} = $value;
        } elsif ($name eq '--expect-mem') {
            fail(255, "--expect-mem expects a number of MB, not '$value'") unless $value =~ /^\d+\z/;
            $options{expect_mem} = $value;
        }
    }
    return %options;
}

sub log_of {
    my ($number) = @_;
    return for_job($line->{log}, $line->{name}, $number);
}

# The exit code of an earlier run that --pick lets stand; undef where the job is to run.
sub kept_code {
    my ($number) = @_;
    return undef if $options{pick} eq 'all';
    my $code = JobLog::exit_code(log_of($number));
    return $options{pick} eq 'failed' && $code ? undef : $code;
}

# How many jobs may run at once.
sub slots {
    my ($jobs, $gpus) = @_;
    return $options{max_jobs} < $jobs ? $options{max_jobs} : $jobs if defined $options{max_jobs};
    my $slots = $gpus || processors();
    if ($options{gpu} && !$gpus) {
        my ($threads) = ($ENV{OMP_NUM_THREADS} // '') =~ /^(\d+)/;
        $slots = int($slots / ($threads || 1)) || 1;
    } elsif (!$gpus && $jobs > $slots && $jobs < 1.4 * $slots) {
        $slots = $jobs;
    }
    my $fit = $options{expect_mem} ? int(free_memory() / $options{expect_mem}) || 1 : $slots;
    return $fit < $slots ? $fit : $slots;
}

# MB of memory that programs can have without swapping; plenty where the system does not tell.
sub free_memory {
    open my $file, '<', '/proc/meminfo' or return 1e9;
    my ($kilobytes) = map { /^MemAvailable:\s+(\d+)/ } <$file>;
    return defined $kilobytes ? $kilobytes / 1000 : 1e9;
}

sub processors {
    open my $file, '<', '/proc/cpuinfo' or return 32;
    my $count = grep { /^processor/ } <$file>;
    return $count || 10;
}

# What CUDA_VISIBLE_DEVICES may be set to, one entry for each job that may run at once; empty, with a warning, where there is
# no GPU.
sub shares_of_gpus {
    my @gpus = visible_gpus();
    if (!@gpus) {
        warning('found no GPU (by CUDA_VISIBLE_DEVICES and nvidia-smi), running on processors');
        return;
    }
    my $share = $options{gpu};
    fail(1, "--gpu $share: there are only " . scalar(@gpus) . ' GPUs here: ' . join(',', @gpus)) if $share > @gpus;
    return map { join ',', splice @gpus, 0, $share } 1 .. int(@gpus / $share);
}

# The numbers or names of the GPUs that jobs may see.
sub visible_gpus {
    return grep { $_ ne '' && $_ ne '-1' } split /,/, $ENV{CUDA_VISIBLE_DEVICES} if defined $ENV{CUDA_VISIBLE_DEVICES};
    $ENV{CUDA_DEVICE_ORDER} //= 'PCI_BUS_ID';               # nvidia-smi's order
    no warnings 'exec';
    open my $list, '-|', 'nvidia-smi', '-L' or return;
    my @lines = grep { /^\S/ } <$list>;                     # MIG devices are indented
    return close $list ? 0 .. $#lines : ();
}

# True if the job has been started; its process group has its process's number.
sub start_job {
    my ($number, $slot, $gpu) = @_;
    my $log  = log_of($number);
    my $text = for_job($command, $line->{name}, $number);
    if (!eval { JobLog::start($log, $text, $restarts{$number}); 1 }) {
        complain($@);
        return 0;
    }
    $starting = 1;
    my $pid = fork;
    if (defined $pid && $pid == 0) {
        POSIX::_exit(127) if $stopped_by;    # the signal came before this line
        $ENV{CUDA_VISIBLE_DEVICES} = $gpu if defined $gpu;
        become_shell($log, $text);
    }
    if (defined $pid) {
        setpgrp $pid, $pid;    # here and in the job, whichever is first
        $running{$pid} = {number => $number, log => $log, slot => $slot, started => time};
    }
    $starting = 0;
    stop($stopped_by) if $stopped_by;
    complain("cannot fork: $!\n") if !defined $pid;
    return defined $pid;
}

# Blocks until a job has ended: (job, wait status).
sub wait_for_job {
    while ((my $pid = wait) > 0) {
        my $status = $?;
        my $job    = delete $running{$pid};
        return ($job, $status) if $job;
    }
    die "run.pl: lost its jobs: $!\n";
}

# Writes the footer; true if the job succeeded and its log is whole.
sub close_job {
    my ($job, $wait_status) = @_;
    my $written = eval { JobLog::finish($job->{log}, $wait_status, time - $job->{started}, 1); 1 };
    complain($@) if !$written;
    return $written && $wait_status == 0;
}

# True, and counted, if the job has asked to be run again and still may.
sub may_run_again {
    my ($job, $wait_status) = @_;
    return $wait_status >> 8 == $JobLog::RUN_AGAIN && $restarts{$job->{number}}++ < $options{max_restarts};
}

sub report {
    my ($failed, $jobs) = @_;
    if ($jobs == 1) {
        my $log = log_of($line->{first});
        print STDERR "run.pl: job failed, log is in $log\n";
        print STDERR "run.pl: probably you forgot to put JOB=1:\$nj in your script.\n"
            if !defined $line->{name} && $log =~ /JOB/;
    } else {
        print STDERR "run.pl: $failed / $jobs failed, log is in ", for_job($line->{log}, $line->{name}, '*'), "\n";
    }
}

# A handler may run between any two statements: while a job is being started it only leaves a note for start_job.
sub watch_signals_and_parent {
    my $handler = sub {
        $stopped_by //= $_[0];
        stop($stopped_by) if !$starting;
    };
    $SIG{$_} = $handler for grep { ($SIG{$_} // '') ne 'IGNORE' } qw(INT TERM HUP);
    $SIG{ALRM} = sub {
        alarm 1;
        $handler->('TERM') if getppid != $parent;
        draw_bar() if -t STDERR;
    };
    alarm 1;
}

# On a terminal, from two seconds on: how many jobs have ended, for how long they have run, and what one of them says.
sub draw_bar {
    my $seconds = time - $^T;
    return if $seconds < 2 || !%running;
    my $size    = '';
    my $columns = ioctl(STDERR, 0x5413, $size) && (unpack 'S4', $size)[1] || 80;    # TIOCGWINSZ
    my $bar  = '#' x (20 * $ended / $wanted);
    my $line = sprintf 'jobs [%-20s] %d/%d %d s %s', $bar, $ended, $wanted, $seconds, last_message();
    print STDERR "\r\e[K", substr $line, 0, $columns - 1;
    $drawn = 1;
}

# The last line that running jobs have written into their logs, without what would move a cursor.
sub last_message {
    my ($log) = map { $_->[1] } sort { $a->[0] <=> $b->[0] } map { [-M $_ // 1e9, $_] } map { $_->{log} } values %running;
    open my $file, '<', $log or return '';
    seek $file, -1000, 2;
    my ($line) = reverse grep { /\S/ && !/^#/ } <$file>;
    return ($line // '') =~ s/[^ -~]//gr;
}

# Writes a message above the bar.
sub complain {
    my ($message) = @_;
    erase_bar();
    print STDERR "run.pl: $message";
}

# Makes the line of the bar empty, for something else to be written.
sub erase_bar {
    print STDERR "\r\e[K" if $drawn;
    $drawn = 0;
}

# Kills all jobs and ends this process by the signal. Never returns.
sub stop {
    my ($signal) = @_;
    $SIG{$_} = 'IGNORE' for qw(INT TERM HUP ALRM);
    erase_bar();
    for my $step (qw(TERM KILL)) {
        kill $step, map { -$_ } keys %running;
        my $deadline = time + $GRACE_SECONDS;
        select undef, undef, undef, 0.02 while live_groups() && time < $deadline;
    }
    for my $job (values %running) {
        eval { JobLog::note($job->{log}, "Killed with its launcher (SIG$signal)"); 1 } or print STDERR "run.pl: $@";
    }
    $SIG{$signal} = 'DEFAULT';
    kill $signal, $$;
    exit 1;
}

# The jobs' process groups with a process that is more than a zombie: those of a job's children wait for init to collect them.
sub live_groups {
    my %live;
    for my $path (glob '/proc/[0-9]*/stat') {
        open my $file, '<', $path or next;
        my ($state, $group) = (<$file> // '') =~ /.*\) (\S) \d+ (\d+)/;
        $live{$group} = 1 if defined $state && $state !~ /[ZX]/;
    }
    return grep { $live{$_} } keys %running;
}
