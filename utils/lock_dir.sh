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
# .lock       one line, `machine pid start host command...`: machine is the boot id and the pid namespace, within which pid and
#             start, the process's start time of /proc, name one process; hosts and containers may share a host name
# .lock.turn  empty, locked for a moment: between taking .lock and writing who holds it, no other run may look
# Both are opened for writing, without which NFS gives no exclusive lock, and never through a link.

lock_dir() {
  local dir=$1 lock turn machine pid start host command
  [ -r "/proc/$$/stat" ] || {
    echo "$0: ERROR: /proc/$$/stat: cannot be read; mount /proc, which tells the runs that are alive" >&2
    exit 1
  }
  mkdir -p -- "$dir" || exit 1
  _lock_open turn "$dir/.lock.turn"
  flock "$turn" || exit 1
  _lock_open lock "$dir/.lock"
  if ! flock --nonblock "$lock"; then
    _lock_read "$dir/.lock"
    if [ "$machine" != "$(_lock_machine)" ] || _lock_is_running "$pid" "$start"; then
      [ "$machine" = "$(_lock_machine)" ] || host="$host, another machine or container"
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
  pid=$$
  [[ ${PS_GUARD-} != "$PPID".* ]] || pid=$PPID # what the user has started
  printf '%s %s %s %s %s\n' "$(_lock_machine)" "$pid" "$(_lock_start_time "$pid")" "$(uname -n)" \
    "$({ tr '\0\n' '  ' <"/proc/$$/cmdline"; } 2>/dev/null)" >"/dev/fd/$lock" || exit 1
  exec {turn}>&-
}

# Opens file $2 for writing, and puts the descriptor into the variable $1.
_lock_open() {
  if [ -L "$2" ] || { [ -e "$2" ] && [ ! -f "$2" ]; }; then
    echo "$0: ERROR: $2: a link, or no regular file, but the lock of this directory goes there: remove it" >&2
    exit 1
  fi
  eval "exec {$1}>>\"\$2\"" || exit 1
}

# Reads the record $1 into machine, pid, start, host, command. Earlier versions named the host instead of the machine.
_lock_read() {
  read -r machine pid start host command <"$1" || true
  [[ $machine == *-*-*-*-*:* ]] || read -r host pid start command <"$1" || true
}

# The boot id of this machine and the number of this pid namespace. Where /proc does not tell, it is like no other.
_lock_machine() {
  local boot space
  if { read -r boot </proc/sys/kernel/random/boot_id && space=$(readlink /proc/self/ns/pid); } 2>/dev/null; then
    echo "$boot:${space//[!0-9]/}"
  else
    echo "a-machine-without-proc-$$:$RANDOM"
  fi
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
