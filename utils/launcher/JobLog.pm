# Copyright 2026 The PseudoSpeakers developers. Apache 2.0.
#
# The frame around a job's output in its log, the same from every launcher:
#
#   # <command>
#   # Started at Mon Nov 02 09:30:00 UTC 2026
#   #
#   ... what the job printed ...
#   # Accounting: time=12 threads=1
#   # Finished at Mon Nov 02 09:30:12 UTC 2026 with status 0
#   # Ended (code 0) at Mon Nov 02 09:30:12 UTC 2026, elapsed time 12 seconds
#
# start() writes the header, finish() appends the footer, exit_code() reads the footer of an earlier run.
package JobLog;

use strict;
use warnings;
use Exporter 'import';
use POSIX ();

our @EXPORT_OK = qw(start finish note exit_code);

# The status that means "run me again", as self-checkpointing jobs of HTCondor have it, and how often a launcher runs a job again.
our $RUN_AGAIN    = 85;
our $MAX_RESTARTS = 20;

# Of a disk that has broken off, as utils/mounts.py has them.
my @LOST = qw(ESTALE EIO EREMOTEIO ENOTCONN ESHUTDOWN ETIMEDOUT EHOSTDOWN EHOSTUNREACH ENETDOWN ENETUNREACH ECONNRESET);

# What the system has said last, and what to do about it.
sub reason {
    return "$!" unless grep { $!{$_} } @LOST;
    return "$!: the network mount or disk that it is on has probably broken off; when it is back, run the same command again:"
        . ' it goes on from here';
}

sub date {
    return POSIX::strftime('%a %b %d %H:%M:%S %Z %Y', localtime);
}

# start($log, $command, $again, @facts): creates the directory and the log; the log of a job that runs again is continued.
# @facts are further lines. Dies with the reason.
sub start {
    my ($log, $command, $again, @facts) = @_;
    make_directory($1) if $log =~ m{^(.*[^/])/}s;
    $command =~ s/\n/\n# /g;
    return append_lines($log, '', 'Run again', $command, 'Started at ' . date(), @facts, '') if $again && -e $log;
    open my $file, '>', $log or die "cannot write the log $log: ", reason(), "\n";
    write_lines($file, $log, $command, 'Started at ' . date(), @facts, '');
}

# finish($log, $wait_status, $seconds, $threads): $wait_status as of wait(2), $seconds an integer. Dies with the reason.
sub finish {
    my ($log, $wait_status, $seconds, $threads) = @_;
    my ($code, $signal, $date) = ($wait_status >> 8, $wait_status & 127, date());
    my $status = $signal ? 128 + $signal : $code;
    my $ended  = $signal ? "code $code; signal $signal" : "code $code";
    append_lines(
        $log,
        "Accounting: time=$seconds threads=$threads",
        "Finished at $date with status $status",
        "Ended ($ended) at $date, elapsed time $seconds seconds"
    );
}

# note($log, $text): one more line in the log of a job that gets no footer. Dies with the reason.
sub note {
    my ($log, $text) = @_;
    append_lines($log, "$text at " . date());
}

# The status in a log's footer (128 + signal for a killed job); undef without a log or a footer.
sub exit_code {
    my ($log) = @_;
    open my $file, '<', $log or return undef;
    seek $file, -4096, 2;    # fails on a shorter file, which is then read whole
    my $last = '';
    while (my $line = <$file>) { $last = $line }
    return $last =~ /^# Ended \(code (\d+)(?:; signal (\d+))?\)/ ? $1 || ($2 ? 128 + $2 : 0) : undef;
}

# Like mkdir -p. Another job may make the same directory at the same time.
sub make_directory {
    my ($directory) = @_;
    return if -d $directory;
    make_directory($1) if $directory =~ m{^(.*[^/])/+[^/]+\z}s;
    return if mkdir $directory;
    my $reason = reason();    # -d changes it
    -d $directory or die "cannot create the directory $directory: $reason\n";
}

# Appends to the job's output, on a line of its own even where that output ended without a newline.
sub append_lines {
    my ($log, @lines) = @_;
    open my $file, '+>>', $log or die "cannot write the log $log: ", reason(), "\n";
    seek $file, -1, 2;
    my $end = <$file>;
    print {$file} "\n" if defined $end && $end ne "\n";
    write_lines($file, $log, @lines);
}

sub write_lines {
    my ($file, $log, @lines) = @_;
    print {$file} map { $_ eq '' ? "#\n" : "# $_\n" } @lines;
    close $file or die "cannot write the log $log: ", reason(), "\n";
}

1;
