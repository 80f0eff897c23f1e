#!/usr/bin/env bash
# Copyright 2026 The PseudoSpeakers developers. Apache 2.0.
#
# A SLURM cluster for tests, all of it on this machine's loopback: 2 CPUs, 2 pretended GPUs, 20 GB of pretended memory that
# jobs use up, a partition `main` (default) and one `preempt`, whose jobs make way for those of `main` and are requeued.
#
#   tests/slurm/cluster.sh install                          the packages, by apt, as root
#   eval "$(tests/slurm/cluster.sh start [DIR [KEY=VALUE ...]])"   prints SLURM_CONF for sbatch, squeue, ... and PS_TEST_SLURM=DIR
#   tests/slurm/cluster.sh status|stop [DIR]
#   tests/slurm/cluster.sh restart-slurmctld|restart-slurmd [DIR]  with the jobs there are; also after a kill -9
#
# DIR holds everything: etc, log, state, spool, and run with the daemons' pid files (munged.pid, slurmctld.pid, slurmd.pid).
# Default: $PS_TEST_SLURM, else a temporary directory. KEY=VALUE: lines of slurm.conf, instead of those written here. The ports
# are free ones and munged listens on a socket in DIR, so that another SLURM on this machine is not met. `start` on a running
# cluster leaves it as it is; on what a crash has left it begins anew.
set -euo pipefail

die() {
  echo "cluster.sh: $*" >&2
  exit 1
}

install_packages() {
  type -P slurmctld slurmd sbatch munged >/dev/null && return
  type -P apt-get >/dev/null || die "no apt-get here: install slurm-wlm and munge with this system's package manager"
  [ "$(id -u)" = 0 ] || die "only root can install packages: run it with sudo"
  export DEBIAN_FRONTEND=noninteractive
  set -- apt-get install -y -q --no-install-recommends slurm-wlm slurmctld slurmd slurm-client munge
  "$@" >/dev/null || { apt-get update -q >/dev/null && "$@" >/dev/null; } || die "apt-get could not install slurm-wlm and munge"
}

free_ports() {
  perl -MIO::Socket::INET -e '
    my @sockets = map { IO::Socket::INET->new(Listen => 1, LocalAddr => "127.0.0.1") or die "no free port: $@" } 1 .. 2;
    print join(" ", map { $_->sockport } @sockets), "\n"'
}

# Waits until the command succeeds: within $1 tenths of a second.
wait_until() {
  local tenths=$1
  shift
  until "$@"; do
    [ $((tenths--)) -gt 0 ] || return 1
    sleep 0.1
  done
}

# Is the daemon $1 of this cluster alive? Its pid file may be older than a crash, and the number another process's by now.
running() {
  local pid
  pid=$(cat "$dir/run/$1.pid" 2>/dev/null) && [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = "$1" ] &&
    tr '\0' '\n' <"/proc/$pid/cmdline" | grep -qF -- "$dir/"
}

gone() {
  ! running "$1"
}

# Begins slurm.conf and gres.conf anew; the arguments are KEY=VALUE.
write_conf() {
  local ports node setting
  read -ra ports < <(free_ports)
  node=$(hostname -s)
  cat >"$dir/etc/slurm.conf" <<END
ClusterName=test
SlurmctldHost=$node(127.0.0.1)
SlurmctldPort=${ports[0]}
SlurmdPort=${ports[1]}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
CryptoType=crypto/munge
# a requeued job waits until its old credential has expired
AuthInfo=socket=$dir/run/munge.socket,cred_expire=5
StateSaveLocation=$dir/state
SlurmdSpoolDir=$dir/spool
SlurmctldPidFile=$dir/run/slurmctld.pid
SlurmdPidFile=$dir/run/slurmd.pid
SlurmctldLogFile=$dir/log/slurmctld.log
SlurmdLogFile=$dir/log/slurmd.log
MailProg=/bin/true
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
SchedulerType=sched/backfill
SchedulerParameters=bf_interval=1,sched_interval=1,batch_sched_delay=0,sched_min_interval=0
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
DefMemPerCPU=500
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=1
JobAcctGatherParams=OverMemoryKill
ReturnToService=2
InactiveLimit=0
OverTimeLimit=0
KillWait=2
SlurmdTimeout=10
MessageTimeout=5
MinJobAge=300
MaxArraySize=101
SlurmdParameters=config_overrides
GresTypes=gpu
NodeName=$node NodeAddr=127.0.0.1 CPUs=2 CoresPerSocket=2 RealMemory=20000 Gres=gpu:2 State=UNKNOWN
PartitionName=main Nodes=$node Default=YES MaxTime=INFINITE State=UP PriorityTier=10
PartitionName=preempt Nodes=$node MaxTime=INFINITE State=UP PriorityTier=1 GraceTime=3
END
  for setting in "$@"; do
    sed -i "/^${setting%%=*}=/d" "$dir/etc/slurm.conf"
    echo "$setting" >>"$dir/etc/slurm.conf"
  done
  # any two distinct files make two GPUs
  printf 'NodeName=%s Name=gpu File=%s\n' "$node" /dev/null "$node" /dev/zero >"$dir/etc/gres.conf"
}

start_munged() {
  ! running munged || return 0
  [ -s "$dir/etc/munge.key" ] || (umask 077 && head -c 128 /dev/urandom >"$dir/etc/munge.key")
  # --force: the directory of a test is closed to other users, which munged takes for a mistake
  munged --force --num-threads=2 --socket="$dir/run/munge.socket" --key-file="$dir/etc/munge.key" \
    --pid-file="$dir/run/munged.pid" --seed-file="$dir/run/munge.seed" --log-file="$dir/log/munged.log" \
    >>"$dir/log/munged.out" 2>&1 || die "munged does not start, see $dir/log"
}

# Arguments: -c drops the jobs that were.
start_slurmctld() {
  running slurmctld || slurmctld -f "$SLURM_CONF" "$@" </dev/null >>"$dir/log/slurmctld.out" 2>&1 ||
    die "slurmctld does not start, see $dir/log"
}

start_slurmd() {
  running slurmd || slurmd -f "$SLURM_CONF" -N "$(hostname -s)" </dev/null >>"$dir/log/slurmd.out" 2>&1 ||
    die "slurmd does not start, see $dir/log"
}

node_is_up() {
  case "$(timeout 5 sinfo -h -N -p main -o %T 2>/dev/null)" in
    idle | mixed | allocated | completing | drain*) return 0 ;;
    *) return 1 ;;
  esac
}

wait_for_node() {
  wait_until 300 node_is_up || die "the node does not come up, see $dir/log"
}

# TERM, and KILL for what does not end by it.
stop_daemon() {
  ! running "$1" || kill "$(cat "$dir/run/$1.pid")" 2>/dev/null || true
  wait_until 50 gone "$1" || kill -KILL "$(cat "$dir/run/$1.pid")" || true
  rm -f "$dir/run/$1.pid"
}

# The processes of this cluster's jobs, known by their environment: a slurmstepd of this configuration, and what it has started.
job_processes() {
  local environ pid
  for environ in /proc/[0-9]*/environ; do
    pid=${environ//[!0-9]/}
    { tr '\0' '\n' <"$environ" | grep -qFx "SLURM_CONF=$SLURM_CONF"; } 2>/dev/null || continue
    if [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = slurmstepd ] ||
      { tr '\0' '\n' <"$environ" | grep -q '^SLURM_JOB_ID='; } 2>/dev/null; then
      echo "$pid"
    fi
  done
}

no_job_processes() {
  [ -z "$(job_processes)" ]
}

stop_jobs() {
  local pid
  if running slurmctld && running slurmd; then
    timeout 5 scancel -u "$(id -un)" 2>/dev/null || true
    wait_until 50 no_job_processes || true
  fi
  for pid in $(job_processes); do
    kill -KILL "$pid" 2>/dev/null || true
  done
}

start() {
  type -P slurmctld slurmd sbatch munged >/dev/null || die "SLURM is not installed: $0 install"
  [ "$(id -u)" = 0 ] || die "only root can start it: the daemons run as root"
  if ! running slurmctld && ! running slurmd; then
    stop_jobs
    mkdir -p "$dir"/{etc,run,log}
    rm -rf "$dir"/{state,spool}
    mkdir "$dir"/{state,spool}
    write_conf "$@"
  fi
  start_munged
  start_slurmctld -c
  start_slurmd
  wait_for_node
  printf 'export SLURM_CONF=%q PS_TEST_SLURM=%q\n' "$SLURM_CONF" "$dir"
}

stop() {
  local daemon
  stop_jobs
  for daemon in slurmd slurmctld munged; do
    stop_daemon "$daemon"
  done
}

status() {
  local daemon all=0
  for daemon in munged slurmctld slurmd; do
    if running "$daemon"; then
      echo "$daemon runs, process $(cat "$dir/run/$daemon.pid")"
    else
      echo "$daemon does not run"
      all=1
    fi
  done
  [ $all = 0 ] && sinfo
}

action=${1:-}
dir=${2:-${PS_TEST_SLURM:-}}
shift $(($# < 2 ? $# : 2))
case $action in
  install) install_packages && exit ;;
  start | stop | status | restart-slurmctld | restart-slurmd) ;;
  *) die "usage: cluster.sh install|start|stop|status|restart-slurmctld|restart-slurmd [DIR [KEY=VALUE ...]]" ;;
esac
[ -n "$dir" ] || [ "$action" != start ] || dir=$(mktemp -d "${TMPDIR:-/tmp}/slurm.XXXXXX")
[ -n "$dir" ] || die "which cluster? Give its DIR, or set PS_TEST_SLURM"
dir=$(realpath -m -- "$dir")
[[ $dir =~ ^[[:alnum:]/._+-]+$ ]] || die "$dir: slurm.conf cannot name such a directory; letters, digits, / . _ + - only"
export SLURM_CONF=$dir/etc/slurm.conf

case $action in
  restart-slurmctld) stop_daemon slurmctld && start_slurmctld && wait_for_node ;;
  restart-slurmd) stop_daemon slurmd && start_slurmd && wait_for_node ;;
  *) "$action" "$@" ;;
esac
