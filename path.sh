# shellcheck shell=bash
# Environment variables of every script and job, nothing else. Source it from anywhere: the checkout is where this file lies.

PS_ROOT=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
export PS_ROOT

# The directory of the environment's programs: what utils/setup_env.sh has printed, or else that of .venv, if it is there.
if [ -z "${PS_PYTHON_BIN:-}" ] && [ -x "$PS_ROOT/.venv/bin/python3" ]; then
  PS_PYTHON_BIN=$PS_ROOT/.venv/bin
fi
_ps_path=$PS_ROOT/utils:${PS_PYTHON_BIN:+$PS_PYTHON_BIN:}
case $PATH in
  "$_ps_path"*) ;; # sourced before
  *) PATH=$_ps_path$PATH ;;
esac
unset _ps_path
export PATH

case ${PYTHONPATH:-} in
  "$PS_ROOT" | "$PS_ROOT:"*) ;;
  *) PYTHONPATH=$PS_ROOT${PYTHONPATH:+:$PYTHONPATH} ;;
esac
export PYTHONPATH
export PYTHONUNBUFFERED=1 # log lines are written at once
export PYTHONUTF8=1

export LC_ALL=C                                # sort as Kaldi's tables are sorted
export OMP_NUM_THREADS="${OMP_NUM_THREADS:-1}" # jobs share the machine; raise it for one big job
export HF_HUB_OFFLINE="${HF_HUB_OFFLINE:-1}"   # encoders are read from packages and paths, never from a hub
