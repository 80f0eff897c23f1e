# shellcheck shell=bash
# Environment variables of every script and job, nothing else. Source it from anywhere: the checkout is where this file lies.

PS_ROOT=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
export PS_ROOT

# The programs of the Python environment: what utils/setup_env.sh has printed; without its word, .venv where there is one.
if [ -z "${PS_PYTHON_BIN:-}" ] && [ -x "$PS_ROOT/.venv/bin/python3" ]; then
  PS_PYTHON_BIN=$PS_ROOT/.venv/bin
fi
for _ps_bin in "${PS_PYTHON_BIN:-}" "$PS_ROOT/utils"; do
  [[ -z $_ps_bin || $PATH == "$_ps_bin:"* || $PATH == "$PS_ROOT/utils:$_ps_bin:"* ]] || PATH=$_ps_bin:$PATH
done
unset _ps_bin
export PATH

export PYTHONPATH=$PS_ROOT${PYTHONPATH:+:$PYTHONPATH}
export PYTHONUNBUFFERED=1 # logs are complete up to the moment
export PYTHONUTF8=1

export LC_ALL=C                                # sort as Kaldi's tables are sorted
export OMP_NUM_THREADS="${OMP_NUM_THREADS:-1}" # jobs share the machine; raise it for one big job
export HF_HUB_OFFLINE="${HF_HUB_OFFLINE:-1}"   # encoders are read from packages and paths, never from a hub
