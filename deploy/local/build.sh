# shellcheck shell=bash disable=SC2154  # variables of ./dev
# Sourced by ./dev: configure and build.

# Where the binaries of the preset in use (or of $1) are.
bin() { echo "$root/build/${1:-$preset}/bin"; }

# build_preset PRESET [TARGET...]: all of it, or some targets. Everything it says goes to stderr.
build_preset() {
    local name=$1 folder=$root/build/$1
    shift
    need build
    if [[ ! -f $folder/build.ninja || $root/CMakePresets.json -nt $folder/build.ninja ]]; then
        say "configuring build/$name"
        (cd "$root" && cmake --preset "$name" -Wno-dev >&2) ||
            fail "cmake could not configure $name"
    fi
    cmake --build "$folder" ${1:+--target "$@"} >&2 || fail "the build of $name failed"
}

# build_and_time PRESET: all of it, and where the time went: the longest steps of this build, then
# each target's sum. Seconds of one core, as Ninja saw them pass.
build_and_time() {
    local log=$root/build/$1/.ninja_log before=0
    [[ ! -f $log ]] || before=$(wc -l <"$log")
    build_preset "$1"
    # Ninja shortens its log now and then; what it keeps then is the last time of each step.
    [[ $(wc -l <"$log") -ge $before ]] || before=0
    tail -n "+$((before + 1))" "$log" | awk -F'\t' '
        !/^#/ && !seen[$4 $5]++ {
            seconds = ($2 - $1) / 1000
            steps[$4] = seconds
            sum += seconds
            target = "linking and others"
            if (match($4, /[^\/]+\.dir/)) target = substr($4, RSTART, RLENGTH - 4)
            targets[target] += seconds
        }
        END {
            for (step in steps) printf "1 %.1f %s\n", steps[step], step
            for (target in targets) printf "2 %.1f %s\n", targets[target], target
            printf "3 %.1f seconds in all\n", sum
        }' | sort -k1,1n -k2,2nr |
        awk '$1 != 1 || ++shown <= 20 { if ($1 != last) print ""; last = $1; $1 = ""; print }'
}
