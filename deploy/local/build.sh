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
