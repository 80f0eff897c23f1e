# Copyright 2026 The PseudoSpeakers developers. Apache 2.0.
# shellcheck shell=bash
#
# One run at a time in a directory. Source it, then:
#
#   lock_dir exp/demo
#
# takes an exclusive flock on exp/demo/.lock (making the directory if need be) for as long as the calling script lives, or any of
# its children, which inherit it. Where another run holds it, the script ends with status 1 and a line that names that run. Where
# the run that took it is dead and only children that it left behind still hold it, these are killed and the lock is taken over.
#
# .lock       one line, `host pid start command...`: start is the process's start time of /proc, as a pid may be reused
# .lock.turn  empty, locked for a moment: between taking .lock and writing who holds it, no other run may look
# Both are opened for writing, without which NFS gives no exclusive lock.

lock_dir() {
  local dir=$1 lock turn host pid start command
  mkdir -p -- "$dir" || exit 1
  exec {turn}>>"$dir/.lock.turn" && flock "$turn" || exit 1
  exec {lock}>>"$dir/.lock" || exit 1
  if ! flock --nonblock "$lock"; then
    read -r host pid start command <"$dir/.lock" || true
    if [ "$host" != "$HOSTNAME" ] || _lock_is_running "$pid" "$start"; then
      echo "$0: ERROR: $dir is in use by process $pid on $host: $command" >&2
      exit 1
    fi
    echo "$0: process $pid is dead ($command); killing what it left behind in $dir" >&2
    for _ in {1..20}; do # they may have started others meanwhile
      _lock_kill_holders "$dir/.lock"
      flock --wait 0.5 "$lock" && break
    done
    flock --nonblock "$lock" || {
      echo "$0: ERROR: $dir/.lock is held by processes that cannot be found or killed from here" >&2
      exit 1
    }
  fi
  echo "$HOSTNAME $$ $(_lock_start_time $$) $(tr '\0\n' '  ' </proc/$$/cmdline)" >"$dir/.lock" || exit 1
  exec {turn}>&-
}

# The start time of process $1 in clock ticks since boot; nothing if there is none, or only its unreaped rest.
_lock_start_time() {
  local stat
  stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 0
  # shellcheck disable=SC2086 # fields behind the name, which is in parentheses and may hold anything
  set -- ${stat##*) }
  [[ $1 == [ZX] ]] || echo "${20}"
}

_lock_is_running() {
  [ -n "$2" ] && [ "$(_lock_start_time "$1")" = "$2" ]
}

# Kills every process but this one that holds a lock on file $1.
_lock_kill_holders() {
  local fd pid
  for fd in /proc/[0-9]*/fd/*; do
    pid=${fd#/proc/}
    pid=${pid%%/*}
    if [ "$pid" != $$ ] && [ "$fd" -ef "$1" ] && grep -q '^lock:.*FLOCK' "/proc/$pid/fdinfo/${fd##*/}" 2>/dev/null; then
      kill -KILL "$pid" 2>/dev/null || true
    fi
  done
}
