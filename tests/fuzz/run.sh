#!/usr/bin/env bash
# run.sh TARGET SEEDS: fuzzes for as long as the dose says, from the seeds in the repository and
# from what earlier runs here found worth keeping, in .tocsin/test/fuzz. What breaks an invariant
# stays there too, and the last lines say how to repeat it.
set -euo pipefail

target=${1:?which target?}
seeds=${2:?which seeds?}
tests=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
home=${TOCSIN_HOME:-$tests/../.tocsin}
folder=$home/test/fuzz/$(basename "$target")
mkdir -p "$folder/corpus"
seconds=5
[[ ${TOCSIN_DOSE:-ci} != full ]] || seconds=100 # six targets: ten minutes in all

options=(-max_len=2048 -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 -verbosity=0
    "-artifact_prefix=$folder/")
[[ ! -f $seeds.dictionary ]] || options+=("-dict=$seeds.dictionary")
export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=1} UBSAN_OPTIONS=print_stacktrace=1

# The seeds by themselves first: they are tests of their own, and must not be lost in chance.
"$target" "${options[@]}" -runs=0 "$seeds"
if ! "$target" "${options[@]}" "-max_total_time=$seconds" "$folder/corpus" "$seeds"; then
    found=$(find "$folder" -maxdepth 1 -type f -newer "$folder/corpus/.." -print -quit)
    found=${found:-$(find "$folder" -maxdepth 1 -type f | sort | tail -n 1)}
    echo "run.sh: repeat it with: $target $found" >&2
    exit 1
fi
