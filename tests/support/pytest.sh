#!/usr/bin/env bash
# pytest.sh FILE [ARGS...]: runs one file of tests with the project's Python packages, for CTest.
# Logs and data of what it starts stay in .tocsin/test/NAME until the next run of that file.
# Exits with 77 when all that ran passed and something was skipped: CTest lists it as skipped.
set -euo pipefail

tests=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
home=${TOCSIN_HOME:-$tests/../.tocsin}
python=${TOCSIN_PYTHON:-$home/venv/bin/python}
[[ -x $python ]] || python=python3

umask 077 # tests make keys and credentials
scratch=$home/test/$(basename "${1:?which file?}" .py)
mkdir -p "$home/test"
report=$(mktemp)
trap 'rm -f "$report"' EXIT
export PYTHONPATH=$tests PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
"$python" -m pytest -p no:cacheprovider --rootdir "$tests" -rs -s --tb=short --durations=5 \
    --basetemp "$scratch" --junitxml "$report" "$@"
if grep -q '<skipped' "$report"; then
    exit 77
fi
