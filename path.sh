# shellcheck shell=bash
# Environment variables of every script and job, nothing else. Source it from anywhere: the checkout is where this file lies.

PS_ROOT=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
export PS_ROOT

# The Python: the environment that is active, where utils/setup_env.sh has found all it needs in it; otherwise the checkout's own
# .venv, where there is one.
_ps_python=$(type -P python3)
if [ ! -e "$PS_ROOT/.setup/sufficient${_ps_python//\//%}" ] && [ -x "$PS_ROOT/.venv/bin/python3" ]; then
  PATH=$PS_ROOT/.venv/bin:$PATH
fi
unset _ps_python
PATH=$PS_ROOT/utils:$PATH
export PATH

export PYTHONPATH=$PS_ROOT${PYTHONPATH:+:$PYTHONPATH}
export PYTHONUNBUFFERED=1 # logs are complete up to the moment
export PYTHONUTF8=1

export LC_ALL=C                                # sort as Kaldi's tables are sorted
export OMP_NUM_THREADS="${OMP_NUM_THREADS:-1}" # jobs share the machine; raise it for one big job
export HF_HUB_OFFLINE="${HF_HUB_OFFLINE:-1}"   # encoders are read from packages and paths, never from a hub
