# Copyright 2026 The PseudoSpeakers developers. Apache 2.0.
# shellcheck shell=bash
#
# Turns `--name value` on the command line into shell variables. Source it after the defaults:
#
#   help_message="usage: $0 [--nj 4] <data-dir>"   # or a function help_message, called at --help
#   nj=4
#   stop_stage=100
#   . utils/parse_options.sh
#
# reads  the caller's "$@": each `--na-me value` sets the variable `na_me`. Options are the variables that the script itself sets
#        above this line, each at the start of a line, in lower case: no other variable, of the shell or of the environment, can
#        be set. A value is taken verbatim, whatever it holds; it may be empty or begin with a dash. A variable that is `true` or
#        `false` accepts nothing else. Of two values for one option the last wins, but `--set key=value,...` may be repeated:
#        all of it is in `set`, in order.
#        `--config FILE` (where the caller defines `config`) sources FILE as shell before any option is set, so that the
#        command line wins wherever it stands; it must be valid shell. `--help` and `-h` print the help on standard error and exit with 0.
# leaves the first word that is no option, and all after it, in "$@"; a lone `--` ends the options and is removed.
#        Where the script sets `arguments` above this line, such as "<data> <out> [<log-dir>]", "[<path> ...]", or "" for
#        options only, these words must be as many as it names, and none may begin with --.
# errors one line on standard error and exit status 1, under `set -eu` and without it.
#
# All names of this file begin with _po_ and are gone at its end.

_po_die() {
  local message=$*
  message=${message:0:1500} # a moved option shows its value
  echo "$0: ${message//[[:cntrl:]]/?}" >&2
  exit 1
}

# The variable that the option $1 sets, in _po_name.
_po_find_variable() {
  case "$1" in
    *=*) _po_die "options are given as '--name value', not as '${1:0:100}'" ;;
  esac
  _po_name=${1#--}
  _po_name=${_po_name//-/_}
  if [[ ! $_po_name =~ ^[a-z][a-z0-9_]*$ || $_po_names != *" $_po_name "* || $_po_name == arguments ]]; then
    _po_tell_moved "${@:2}"
    _po_die "invalid option ${1:0:100} (see $0 --help)"
  fi
}

# Ends with what replaces an option that this script had once, as utils/moved_options.txt tells; $1 is the value given.
_po_tell_moved() {
  local home script file form names value=${1-VALUE} quoted
  home=$(cd -P "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
  script=$(realpath -- "$0")
  while read -r file form names; do
    [[ $home/$file == "$script" && " $names " == *" $_po_name "* ]] || continue
    quoted=$value
    if [[ $value == *,* || $value == [\"\']* ]]; then
      quoted=${value//\\/\\\\}
      quoted=\"${quoted//\"/\\\"}\"
    fi
    case $form in
      *.yaml) form="--conf_dir $(_po_quote "$(dirname "$value")"), where it is $form" ;;
      VALUE | *.VALUE) form="--set $(_po_quote "${form%VALUE}${value//,/,${form%VALUE}}")" ;;
      *) form="--set $(_po_quote "$(form=${form//NAME/$_po_name} && printf %s "${form//VALUE/"$quoted"}")")" ;;
    esac
    _po_die "--$_po_name is now $form"
  done <"$home/utils/moved_options.txt"
}

# $1 as a word of a shell.
_po_quote() {
  if [[ $1 =~ ^[A-Za-z0-9_./:=,+@%-]+$ ]]; then printf %s "$1"; else printf "'%s'" "${1//\'/\'\\\'\'}"; fi
}

# Ends where the words behind the options, $@, are not those that `arguments` names; $_po_word is the last option's value.
_po_check_arguments() {
  local required=${arguments//\[*\]/} most=${arguments//[!<]/} word shown hint=
  required=${required//[!<]/}
  [[ -z $_po_last || -z ${1-} ]] ||
    hint="; a value with blanks stands in quotes: $_po_last $(_po_quote "${_po_word:0:100} ${1:0:100}")"
  printf -v shown %q "${1-}"
  for word in "$@"; do
    [[ -z $arguments || $word != --* ]] || _po_die "ERROR: ${shown:0:100}: ends the options, but $word follows$hint (see $0 --help)"
  done
  for word in "${@:1:${#required}}"; do
    [[ -n $word ]] || _po_die "ERROR: expected $arguments, found an empty word among them (see $0 --help)"
  done
  if (($# < ${#required})); then
    _po_die "ERROR: expected $arguments, found $# of these words (see $0 --help)"
  elif [[ -z $arguments ]] && (($# > 0)); then
    _po_die "ERROR: ${shown:0:100}: expected options only, each as --name value$hint (see $0 --help)"
  elif (($# > ${#most})) && [[ $arguments != *...* ]]; then
    printf -v shown %q "${*:${#most} + 1:1}"
    _po_die "ERROR: ${shown:0:100}: expected $arguments and no word after them$hint (see $0 --help)"
  fi
}

_po_print_help() {
  if declare -F help_message >/dev/null; then
    help_message
  else
    printf '%b\n' "${help_message:-No help found.}"
  fi
}

# The options: what the script sets before it sources this file, but for the help.
_po_names=' '
_po_last= # the last option that was read
_po_position=0
[[ -f ${BASH_SOURCE[1]-} && -r ${BASH_SOURCE[1]} ]] || _po_die "parse_options.sh: cannot read the script that sources it"
while ((_po_position++ < BASH_LINENO[0])) && IFS= read -r _po_word; do
  [[ ! $_po_word =~ ^([a-z][a-z0-9_]*)= || ${BASH_REMATCH[1]} == help_message ]] || _po_names+="${BASH_REMATCH[1]} "
done <"${BASH_SOURCE[1]}"

# First round: source every --config, left to right, even after other options. Up to there words come in pairs, so that
# no value is mistaken for the option.
_po_position=1
_po_step=2
while ((_po_position < $#)); do
  _po_word=${!_po_position}
  case "$_po_word" in
    --) break ;;
    --config)
      _po_find_variable "$_po_word"
      _po_word=${*:_po_position + 1:1}
      [[ -f $_po_word && -r $_po_word ]] || _po_die "--config: cannot read the file '$_po_word'"
      [[ $_po_word == */* ]] || _po_word=./$_po_word # a bare name would be searched in PATH
      bash -n "$_po_word" || _po_die "--config: '$_po_word' is not valid shell"
      # shellcheck source=/dev/null
      . "$_po_word"
      ;;
    --*) ;;
    *) _po_step=1 ;;
  esac
  _po_position=$((_po_position + _po_step))
done

# Second round: the options of the command line.
while (($# > 0)); do
  case "$1" in
    --help | -h)
      _po_print_help >&2
      exit 0
      ;;
    --)
      shift
      break
      ;;
    --*)
      _po_find_variable "${@:1:2}"
      (($# > 1)) || _po_die "option $1 needs a value"
      if [[ ${!_po_name} == true || ${!_po_name} == false ]] && [[ $2 != true && $2 != false ]]; then
        _po_die "option $1 expects true or false, not '$2'"
      fi
      _po_last=$1
      _po_word=$2
      [[ $_po_name != set || -z $set ]] || _po_word=$set,$2
      printf -v "$_po_name" '%s' "$_po_word" || _po_die "option $1 cannot be set"
      shift 2
      ;;
    *) break ;;
  esac
done

if [[ $_po_names == *' arguments '* ]]; then # not a variable of the environment
  _po_check_arguments "$@"
fi
if [[ -n ${cmd+set} && -z $cmd ]]; then
  _po_die "option --cmd is empty, expected a launcher such as run.pl"
fi

unset _po_last _po_name _po_names _po_position _po_step _po_word
unset -f _po_check_arguments _po_die _po_find_variable _po_tell_moved _po_quote _po_print_help
true
