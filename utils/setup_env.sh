#!/usr/bin/env bash
# Copyright 2026 The PseudoSpeakers developers. Apache 2.0.
#
# Finds or makes the Python environment, and prints the directory of its programs:
#
#   PS_PYTHON_BIN=$(utils/setup_env.sh --extras audio,demo)
#   export PS_PYTHON_BIN
#   . ./path.sh
#
# reads   requirements.txt, requirements-<extra>.txt, requirements-<extra>-nodeps.txt (installed last, without dependencies)
# writes  .venv, when the first python3 in PATH (an active conda environment or venv, or the system's) cannot import all that these
#         files name; otherwise that Python is used as it is, and nothing is installed. Where .venv is a link, such as to that of
#         another checkout, it is used as it is if it has the packages: nothing is ever installed or cleared through it
# Packages are installed by uv where it is in PATH, else by pip, and by pip where uv fails, or where pip has been told of an index
# or a folder of wheels and uv has not.
# With both at hand and unchanged it only says so, in a few milliseconds. Calls at the same time wait for each other; after a
# call that was killed the next one starts .venv afresh.
set -euo pipefail

help_message="usage: utils/setup_env.sh [--extras audio,demo,...] [--wheels DIR]
  --extras  comma-separated, besides what every recipe needs:
              audio       reading and embedding speech        attributes  measuring it (Praat, GPL)
              demo        the demo corpus, with audio (espeak-ng, GPL)
              onnx        networks in onnx files, with audio  parquet     tables in parquet and arrow files
              openai      paraphrases by a language model     lexicon     pronunciations of English words (GPL)
              units       recognising speech, with audio      test        tests/run.sh, with all others
  --wheels  install from this folder alone, without a registry (default: \$PSEUDOSPEAKERS_WHEELS)
PSEUDOSPEAKERS_TORCH=cpu has torch's build without CUDA, 1.7 GB in place of 5.9. PSEUDOSPEAKERS_TORCH_FROM says where it is: a
folder of wheels, or the address of an index (README.md, Installation). Any other PSEUDOSPEAKERS_TORCH, such as
torch==2.13.0+cu130 or the path of a wheel, is installed in place of the pinned torch."
extras=
wheels=${PSEUDOSPEAKERS_WHEELS:-}
arguments=
# shellcheck source=utils/parse_options.sh
. "$(dirname "$(readlink -f "$0")")/parse_options.sh"
root=$(dirname "$(dirname "$(readlink -f "$0")")")
torch=${PSEUDOSPEAKERS_TORCH:-}
torch_from=${PSEUDOSPEAKERS_TORCH_FROM:-}

say() { echo "setup_env.sh: $*" >&2; }
die() {
  say "ERROR: $*"
  exit 1
}

known_extras() {
  local names=(requirements-*.txt)
  names=("${names[@]#requirements-}")
  names=("${names[@]%.txt}")
  printf '%s\n' "${names[@]}" | grep -v -- -nodeps | paste -sd, | sed 's/,/, /g'
}

# The requirement files of the wanted extras, in the order of their installation.
requirement_files() {
  local extra
  echo requirements.txt
  for extra in ${extras//,/ }; do
    [ -f "requirements-$extra.txt" ] || die "--extras: no requirements-$extra.txt; expected some of $(known_extras)"
    echo "requirements-$extra.txt"
    [ ! -f "requirements-$extra-nodeps.txt" ] || echo "requirements-$extra-nodeps.txt"
  done
}

# The first python3 in PATH that is not .venv's own.
find_python() {
  local candidate
  while read -r candidate; do
    [ "$candidate" != "$root/.venv/bin/python3" ] || continue
    echo "$candidate"
    return
  done < <(type -aP python3)
  die "no python3 in PATH; Python 3.11 or newer is needed"
}

# Can the Python $1 import all that the files $2... name? Otherwise prints what it lacks. A name may also be that of a program.
check_imports() {
  "$1" -B - "${@:2}" <<'END_OF_PYTHON'
import importlib, re, shutil, sys
if sys.version_info < (3, 11):
    sys.exit(f"is Python {sys.version.split()[0]}, older than 3.11")
for path in sys.argv[1:]:
    for name in re.findall(r"^[^#\s]\S*\s+#\s*([\w.]+):", open(path, encoding="utf-8").read(), re.MULTILINE):
        try:
            importlib.import_module(name)
        except Exception as error:
            if not shutil.which(name):
                sys.exit(f"cannot import {name} ({error})")
END_OF_PYTHON
}

# Has the Python $1 all packages? Else `missing` says what it lacks, and if asked for the first time, a line too, which ends with
# $2. The verdict is kept under a hash of all it depends on: the files, the Python, its packages.
is_sufficient() {
  local prefix=${1%/bin/*} verdict found=0
  verdict=.setup/$({
    echo "$1 $(readlink -f "$1") $(sha256sum "${files[@]}")"
    stat -Lc '%n %y' "$1" {"$prefix",/usr/local}/lib/python3*/{site,dist}-packages 2>/dev/null || true
  } | sha256sum | cut -c -16)
  if [ ! -e "$verdict" ]; then
    missing=$(check_imports "$1" "${files[@]}" 2>&1) || found=$?
    case $found in
      0) echo sufficient >"$verdict.$$" ;;
      1)
        echo "${missing##*$'\n'}" >"$verdict.$$"
        [ -z "$2" ] || say "$1 ${missing##*$'\n'}: $2"
        ;;
      *) die "$1 ended with status $found while its packages were imported: $missing" ;;
    esac
    mv "$verdict.$$" "$verdict"
  fi
  missing=$(<"$verdict")
  [ "$missing" = sufficient ]
}

# Ends with an error unless .venv, which is a link, has the packages: what it leads to belongs to others.
check_linked_venv() {
  local goal missing
  goal=$(readlink -m .venv)
  [ -x .venv/bin/python3 ] || die "$root/.venv is a link to $goal, where there is no bin/python3; remove the link"
  is_sufficient "$root/.venv/bin/python3" '' ||
    die "$root/.venv is a link to $goal, whose Python $missing; install it there, or remove the link"
}

# Does .venv hold all that is wanted? It must not have been moved, nor its Python have gone.
venv_is_ready() {
  local line installed
  [ -x .venv/bin/python3 ] && [ -f .venv/.installed ] || return 1
  installed=$(<.venv/.installed)
  while read -r line; do
    [[ $'\n'$installed$'\n' == *$'\n'$line$'\n'* ]] || return 1
  done <<<"$(venv_lines)"
}

venv_lines() {
  echo "checkout $root"
  echo "python $(readlink -f .venv/bin/python3)"
  [ -z "$torch" ] || echo "torch $torch"
  sha256sum "${files[@]}"
}

# May the packages be installed into the .venv that is there? Not after a killed installation, nor into a moved one, nor one that
# holds CUDA where a build without it is wanted.
venv_is_usable() {
  [ ! -e .setup/installing ] && .venv/bin/python3 -c '' 2>/dev/null || return 1
  [ "$torch" != cpu ] || ! has_cuda || return 1
  [ ! -f .venv/.installed ] || grep -qxF "checkout $root" .venv/.installed
}

has_cuda() { compgen -G '.venv/lib/python3*/site-packages/nvidia*' >/dev/null; }

sees_gpu() { [ -e /dev/nvidiactl ] || [ -e /dev/dxg ] || [ -e /dev/kfd ]; }

# Is uv there, and does it know all that pip has been told? What is set for pip alone, pip must do.
can_use_uv() {
  local of_uv of_pip
  type -P uv >/dev/null || return 1
  of_uv=$(compgen -e UV_ || true)
  [[ -z $wheels && ! $of_uv =~ INDEX|FIND_LINKS ]] || return 0
  of_pip=$(.venv/bin/python3 -m pip config list 2>/dev/null) || true
  [[ ! $of_pip =~ (index-url|find-links|no-index)= ]]
}

# Installs the packages $@, options of pip among them.
install() {
  local source=()
  [ -z "$wheels" ] || source=(--no-index --find-links "$wheels")
  case $torch_from in
    '') ;;
    *://*) source+=(--extra-index-url "$torch_from") ;;
    *) source+=(--find-links "$torch_from") ;;
  esac
  if can_use_uv; then
    uv pip install --python .venv/bin/python3 --index-strategy unsafe-best-match "${source[@]}" "$@" >&2 && return
    say "uv has failed, see above; pip installs"
  fi
  .venv/bin/python3 -m pip install --disable-pip-version-check "${source[@]}" "$@" >&2 || {
    rm .setup/installing # pip has ended in good order, so what is there can stay
    [ "$torch" != cpu ] || [ -n "$torch_from$wheels" ] ||
      say "where is torch's build for the CPU? PSEUDOSPEAKERS_TORCH_FROM=DIR or an address, see README.md, Installation"
    die "the installation failed (see above); call again, with --wheels DIR where there is no registry"
  }
}

# The requirement for torch, from $1, that of the file.
torch_requirement() {
  case $torch in
    '') echo "$1" ;;
    cpu) echo "$1+cpu" ;;
    *) echo "$torch" ;;
  esac
}

# Says, before it is loaded, that CUDA would be of no use.
warn_of_cuda() {
  [ -n "$torch$wheels" ] || sees_gpu || compgen -G '.venv/lib/python3*/site-packages/torch' >/dev/null ||
    say "no GPU is seen here; with CUDA in torch .venv takes 5.9 GB, without 1.7: PSEUDOSPEAKERS_TORCH=cpu, README.md"
}

# The packages that the requirement files $1... name.
packages_of() {
  grep -hoE '^[^#[:space:]]+' "$@"
}

install_venv() {
  local with_deps=() without_deps=() file
  if venv_is_usable; then # keep what earlier calls have installed for other extras, whose files may have gone since
    mapfile -t files < <({
      printf '%s\n' "${files[@]}"
      sed -n 's/^[0-9a-f]\{64\}  //p' .venv/.installed 2>/dev/null
    } | awk '!seen[$0]++' | while read -r file; do [ ! -f "$file" ] || echo "$file"; done)
    [ -n "$torch" ] || ! grep -qxF 'torch cpu' .venv/.installed 2>/dev/null || torch=cpu # the user's choice stays
    touch .setup/installing
  else
    [ -e .setup/installing ] || [ ! -e .venv ] || [ -f .venv/pyvenv.cfg ] ||
      die "$root/.venv is no virtual environment, and would be emptied; move it away"
    touch .setup/installing
    "$python" -m venv --clear .venv >&2 || die "'$python -m venv' failed: install Python's venv module (Debian: python3-venv)"
  fi
  rm -f .venv/.installed
  for file in "${files[@]}"; do
    case $file in
      *-nodeps.txt) mapfile -t -O "${#without_deps[@]}" without_deps < <(packages_of "$file") ;;
      *) mapfile -t -O "${#with_deps[@]}" with_deps < <(packages_of "$file") ;;
    esac
  done
  with_deps[0]=$(torch_requirement "${with_deps[0]}") # torch leads each list, so that nothing else chooses its build
  warn_of_cuda
  say "installing into $root/.venv: ${with_deps[*]} ${without_deps[*]}"
  install "${with_deps[@]}"
  [ ${#without_deps[@]} -eq 0 ] || install --no-deps "${with_deps[0]}" "${without_deps[@]}"
  rm .setup/installing
  venv_lines >.setup/installed
  mv .setup/installed .venv/.installed
  say "installed, $(du -sh .venv | cut -f 1)"
}

[ -z "$wheels" ] || [ -d "$wheels" ] || die "--wheels: no such folder: $wheels"
[ -z "$wheels" ] || wheels=$(readlink -f "$wheels")
if [ -n "$torch_from" ] && [[ $torch_from != *://* ]]; then
  [ -d "$torch_from" ] || die "PSEUDOSPEAKERS_TORCH_FROM=$torch_from: no such folder, and no address of an index"
  torch_from=$(readlink -f "$torch_from")
fi
cd "$root"
list=$(requirement_files)
mapfile -t files <<<"$list"
python=$(find_python)
mkdir -p .setup || die "cannot write in $root"

if is_sufficient "$python" 'using .venv'; then
  dirname "$python"
  exit
fi
if [ -L .venv ]; then
  check_linked_venv
  echo "$root/.venv/bin"
  exit
fi
if ! venv_is_ready; then
  exec {lock}>.setup/lock
  flock --nonblock "$lock" || {
    say "another call is installing; waiting for it"
    flock "$lock"
  }
  venv_is_ready || install_venv
fi
echo "$root/.venv/bin"
