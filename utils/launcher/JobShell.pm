# Copyright 2026 The PseudoSpeakers developers. Apache 2.0.
#
# The shell that runs a job's command, the same under every launcher.
package JobShell;

use strict;
use warnings;
use Exporter 'import';
use POSIX ();

our @EXPORT_OK = qw(become_shell);

# What SIGTERM does: bash waits for its foreground command, and ends with the status of that command; but never with success,
# since the rest of the job has not run.
my $TRAP = q{trap 'PS_STATUS=$?; exit $((PS_STATUS ? PS_STATUS : 143))' TERM};

# become_shell($log, $text), in a new child process: leads a process group of its own and becomes the bash that evaluates
# $text, without input, both streams appended to $log. SIGUSR1 is ignored, also by the programs of the job, unless one asks
# for it: it announces the end of a job's time to those who can use the rest. Never returns.
sub become_shell {
    my ($log, $text) = @_;
    $SIG{$_} = 'DEFAULT' for grep { ref $SIG{$_} } keys %SIG;
    $SIG{USR1} = 'IGNORE';
    setpgrp 0, 0;
    open STDOUT, '>>', $log or POSIX::_exit(127);
    open STDERR, '>&', \*STDOUT or POSIX::_exit(127);
    my $writer = open(STDIN, '-|') // POSIX::_exit(127);
    if ($writer == 0) {
        print "$TRAP; { $text\n}\n";
        close STDOUT;
        POSIX::_exit(0);
    }
    exec 'bash' or print STDERR "cannot run bash: $!\n";
    POSIX::_exit(127);
}

1;
