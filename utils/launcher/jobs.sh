# Copyright 2026 The PseudoSpeakers developers. Apache 2.0.
# shellcheck shell=bash
#
# For scripts that start jobs through a launcher. Source it, then:
#
#   run_jobs "$cmd" JOB=1:"$nj" "$logs/sample.JOB.log" -- python3 -m steps.generators.sample "${given[@]}" --job JOB
#
# $cmd is a launcher with its options. The job's number replaces the word JOB after `--job`, and the last JOB of the log's name.
# Every other word reaches the jobs as it is, whatever it holds: blanks, `$`, quotes, JOB itself. Where a job fails, each distinct
# error line of the logs is printed, the end of the log of a job that says none, and the status is 1.
#
#   share_work "$cmd" "$nj" "$out" steps.gmm.score "${given[@]}"   # all of a command whose jobs write parts, which it then merges
#   share_room "$cmd" "$nj" "$out" steps.vad "${given[@]}"         # of a room whose commands are plan, compute and merge
#   run_parts "$cmd" "$nj" "$out" steps.gmm.train_ubm "${given[@]}" # the jobs alone, with logs log/<name of out>.*.log beside <out>

run_jobs() {
  check_launcher "$1" || return 1
  launcher_line "${@:2}"
  # shellcheck disable=SC2086 # the launcher and its options are words
  $1 "${line[@]}" || {
    show_errors "$2" "$3"
    return 1
  }
}

share_work() {
  ! is_done python3 -m "${@:4}" || return 0
  run_parts "$@" || return 1
  python3 -m "${@:4}"
}

share_room() {
  ! is_done python3 -m "$4.merge" "${@:5}" || return 0
  python3 -m "$4.plan" "${@:5}" && run_parts "${@:1:3}" "$4.compute" "${@:5}" && python3 -m "$4.merge" "${@:5}"
}

run_parts() {
  run_jobs "$1" JOB=1:"$2" "$(dirname "$3")/log/$(basename "$3").JOB.log" -- python3 -m "${@:4}" --job JOB
}

# Fails, with one line on standard error, where the first word of $1 is no program.
check_launcher() {
  local program
  read -r program _ <<<"$1"
  [[ $program != -* && -f $(type -P "$program") ]] || {
    echo "$0: ERROR: the launcher '${1:0:100}' begins with no program; expected run.pl or slurm.pl and its options" >&2
    return 1
  }
}

# Puts into the array `line` the words that a launcher takes after its options, for the arguments of run_jobs after "$cmd". A
# launcher replaces its job variable wherever it occurs, so the variable gets a name that occurs in no other text.
launcher_line() {
  local job=${1%%=*} log_start=${2%"${1%%=*}"*} log_end=${2##*"${1%%=*}"} name i
  launcher_words "${@:4}"
  for ((i = 1; i < ${#words[@]}; i++)); do
    [ "${words[i - 1]} ${words[i]}" != "--job $job" ] || words[i]=
  done
  name=$job
  while [[ "$log_start $log_end ${words[*]}" == *"$name"* ]]; do name+=N; done
  line=("$name=${1#*=}" "$log_start$name$log_end")
  for i in "${words[@]}"; do line+=("${i:-$name}"); done # no word is empty: launcher_words quotes those that are
}

# Puts its arguments into the array `words`, so written that a job gets them as they are. A launcher hands words without blanks
# to bash as live shell and wraps others in quotes that do not stop `$`; here nothing is left that either could touch.
launcher_words() {
  local word
  words=()
  for word in "$@"; do
    printf -v word %q "$word"
    # blanks too: inside $'...' by their number, elsewhere as a piece of that kind
    if [[ $word == \$\'* ]]; then word=${word// /\\040}; else word=${word//\\ /\$\'\\040\'}; fi
    words+=("$word")
  done
}

# show_errors JOB=1:3 "$logs/sample.JOB.log" prints each distinct error line of these jobs' logs, and of jobs that say none, such
# as those that were killed, how their logs end.
show_errors() {
  local job=${1%%=*} number shown=0
  for ((number = 1; number <= ${1##*:}; number++)); do
    grep -hs ': ERROR: ' "${2%"$job"*}$number${2##*"$job"}" || true
  done | sort -u >&2
  for ((number = 1; number <= ${1##*:} && shown < 3; number++)); do
    ! show_end "${2%"$job"*}$number${2##*"$job"}" || shown=$((shown + 1))
  done
}

# Prints the last lines of a log, and succeeds, if its job has failed and says no error.
show_end() {
  [ -f "$1" ] && ! grep -qs ': ERROR: ' "$1" && ! tail -n 1 "$1" | grep -q '^# Ended (code 0)' || return 1
  echo "the end of $1:" >&2
  grep -av '^#$\|^# Accounting\|^# Finished' "$1" | tail -n 6 | tr -d '\000-\010\013-\037' | cut -c 1-300 | sed 's/^/  /' >&2
}
