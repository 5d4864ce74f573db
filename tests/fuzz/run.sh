#!/usr/bin/env bash
# run.sh TARGET SEEDS: fuzzes from the seeds in the repository. In the dose `ci` every run tries the
# same inputs: a change is judged by what it changed, not by chance. In the dose `full` each run
# explores on from what earlier ones here found worth keeping, in .tocsin/test/fuzz. What breaks an
# invariant stays there, and the last lines say how to repeat it; it becomes a seed with its fix.
set -euo pipefail

target=${1:?which target?}
seeds=${2:?which seeds?}
tests=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
home=${TOCSIN_HOME:-$tests/../.tocsin}
folder=$home/test/fuzz/$(basename "$target")
mkdir -p "$folder/corpus"
# The target writes what it finds into the first folder: never into the seeds.
rm -rf "$folder/new"
mkdir "$folder/new"
exploring=(-seed=1 -runs=20000 "$folder/new" "$seeds")
[[ ${TOCSIN_DOSE:-ci} != full ]] || # six targets: ten minutes in all
    exploring=(-max_total_time=100 "$folder/corpus" "$seeds")

options=(-max_len=2048 -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 -verbosity=0
    "-artifact_prefix=$folder/")
[[ ! -f $seeds.dictionary ]] || options+=("-dict=$seeds.dictionary")
export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=1} UBSAN_OPTIONS=print_stacktrace=1

# The seeds by themselves first: they are tests of their own, and must not be lost in chance.
"$target" "${options[@]}" -runs=0 "$seeds"
if ! "$target" "${options[@]}" "${exploring[@]}"; then
    found=$(find "$folder" -maxdepth 1 -type f -printf '%T@ %p\n' | sort -n | tail -n 1)
    echo "run.sh: repeat it with: $target ${found#* }" >&2
    exit 1
fi
