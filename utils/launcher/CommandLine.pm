# Copyright 2026 The PseudoSpeakers developers. Apache 2.0.
#
# The command line that all launchers share:
#
#   LAUNCHER [options] [NAME=first:last | NAME=n] [options] LOGFILE COMMAND...
#
# parse() reads it; command_text() and for_job() make of it what one job runs and where it logs. Every error is one line on
# standard error, with the exit status that Kaldi's launchers have for it.
package CommandLine;

use strict;
use warnings;
use Exporter 'import';

our @EXPORT_OK = qw(parse command_text for_job fail warning);
our $MOST_JOBS = 100_000;    # of one range: each takes memory here

my ($program) = $0 =~ m{([^/]*)\z};

sub warning {
    my ($message) = @_;
    print STDERR "$program: Warning: $message\n";
}

# One line on standard error, then exit with $status.
sub fail {
    my ($status, $message) = @_;
    print STDERR "$program: $message\n";
    exit $status;
}

# parse(\@words, $usage_status): a hash reference of
#   options  [[name, value...], ...] in the order given; `-V` has no value, `-pe` two, every other one value
#   name     the job variable, undef where no range was given
#   first, last  the range; 1, 1 without one
#   log      LOGFILE, the job variable still in it
#   command  [COMMAND...]
sub parse {
    my ($words, $usage_status) = @_;
    my @words = @$words;
    my %line  = (options => [], name => undef, first => 1, last => 1);
    while (@words >= 2) {
        if ($words[0] =~ /^-/) {
            push @{$line{options}}, take_option(\@words);
        } elsif (!defined $line{name} && $words[0] =~ /^([A-Za-z_]\w*)=(\d+)(?::(\d+))?\z/) {
            @line{qw(name first last)} = ($1, $2 + 0, ($3 // $2) + 0);
            shift @words;
        } else {
            last;
        }
    }
    if (@words < 2) {
        print STDERR "usage: $program [options] [JOB=1:n] log-file command-line arguments...\n",
            "e.g.:  $program --mem 4G JOB=1:4 exp/foo/log/bar.JOB.log some-command --in data/split4/JOB\n";
        exit $usage_status;
    }
    warning("suspicious first argument: $words[0]") if $words[0] =~ /=.*:/;
    @line{qw(log command)} = (shift(@words), [@words]);
    check_range(\%line);
    return \%line;
}

# Takes one option with its values off the front of @$words.
sub take_option {
    my ($words) = @_;
    my $name    = shift @$words;
    my $count   = $name eq '-V' ? 0 : $name eq '-pe' ? 2 : 1;
    my @values  = splice @$words, 0, $count;
    warning("the value '$values[0]' of option $name looks like an option") if $count && $values[0] =~ /^--/;
    return [$name, @values];
}

sub check_range {
    my ($line) = @_;
    my ($name, $first, $last, $log) = @$line{qw(name first last log)};
    return unless defined $name;
    fail(255, "invalid job range $name=$first:$last, expected 1 <= first <= last") if $first < 1 || $first > $last;
    fail(255, "the job range $name=$first:$last has more than $MOST_JOBS jobs, or numbers of more than 15 digits; give each job more work")
        if $last - $first >= $MOST_JOBS || $last >= 1e15;
    fail(1, "the log file $log must contain $name, or the jobs would write into one log")
        if $last > $first && index($log, $name) < 0;
    my ($directory) = $log =~ m{^(.*)/}s;
    fail(1, "the directory $directory contains $name, which becomes the job's number: rename the directory or the variable")
        if defined $directory && index($directory, $name) >= 0;
}

# The text that bash evaluates. A word without white space stands as it is, so `\|`, `\>`, `\;`, `$X` and globs live; any
# other is put in double quotes, or in single quotes where it has double ones itself. Each is followed by one space.
sub command_text {
    my ($words) = @_;
    return join '', map { (/^\S+\z/ ? $_ : /"/ ? "'$_'" : "\"$_\"") . ' ' } @$words;
}

# $text with the job variable $name replaced by $value wherever it occurs.
sub for_job {
    my ($text, $name, $value) = @_;
    $text =~ s/\Q$name\E/$value/g if defined $name;
    return $text;
}

1;
