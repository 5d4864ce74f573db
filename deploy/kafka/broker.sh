#!/usr/bin/env bash
# A private single-node Kafka broker (KRaft), for development and tests.
#
#   broker.sh install                                        fetch the jars that pom.xml pins, each
#                                                            with the hash in jars.sha256
#   broker.sh sums                                           write jars.sha256, after a change of
#                                                            pom.xml: review the difference
#   broker.sh format --dir DIR --port N --controller-port M  make an empty store in DIR/data
#   broker.sh run    --dir DIR --port N --controller-port M  become the broker (foreground);
#                                                            formats DIR first if it is new
# Options of format and run:
#   --heap 512m        heap of the JVM              (TOCSIN_KAFKA_HEAP)
#   --lib DIR          where the jars are           (TOCSIN_KAFKA_LIB; default .tocsin/kafka/lib)
#   --set KEY=VALUE    one more broker setting; may be repeated
#
# `run` replaces this shell by java, so its process id is the broker's: TERM stops it cleanly,
# KILL is a crash, and `run` on the same DIR goes on with the same data. The settings used lie
# in DIR/server.properties; the log is standard error.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
lib=${TOCSIN_KAFKA_LIB:-${TOCSIN_HOME:-$here/../../.tocsin}/kafka/lib}
heap=${TOCSIN_KAFKA_HEAP:-512m}

fail() {
    echo "broker.sh: $*" >&2
    exit 1
}

# fetch_jars FOLDER: every jar that pom.xml names, unchecked.
fetch_jars() {
    command -v mvn >/dev/null || fail "mvn (package maven) is needed to fetch the Kafka jars"
    if ! mvn -q -B -ntp --strict-checksums -f "$here/pom.xml" dependency:copy-dependencies \
        -DoutputDirectory="$1" >"$1/maven.log" 2>&1; then
        cat "$1/maven.log" >&2
        rm -rf "$1"
        fail "maven could not fetch the jars"
    fi
    rm "$1/maven.log"
}

# check_jars FOLDER: these jars and no others, each as it was when it was pinned.
check_jars() {
    local sums=$here/jars.sha256 wrong
    wrong=$(
        cd "$1" || exit
        sha256sum --check --quiet --strict "$sums" 2>&1 | grep -v '^sha256sum: WARNING'
        find . -name '*.jar' -printf '%f\n' | grep -vxF -f <(sed 's/^[^ ]*  //' "$sums") |
            sed 's/$/: not in the list/'
    ) || true # no output is an answer
    [[ -n $wrong ]] || return 0
    rm -rf "$1"
    fail "deploy/kafka/jars.sha256: these downloads do not match their hashes:
$wrong
Try again. If it happens again, something on the way changes files: do not use them. After you
change pom.xml, write the hashes anew with 'broker.sh sums' and review the difference."
}

write_sums() {
    local fresh
    fresh=$(mktemp -d)
    fetch_jars "$fresh"
    (cd "$fresh" && sha256sum ./*.jar) | sed 's|  \./|  |' >"$here/jars.sha256"
    rm -rf "$fresh"
}

install_jars() {
    local wanted
    wanted=$(cat "$here/pom.xml" "$here/jars.sha256" | sha256sum)
    if [[ -f $lib/made-from && $(<"$lib/made-from") == "$wanted" ]]; then
        return
    fi
    echo "broker.sh: fetching the Kafka jars" >&2
    mkdir -p "$(dirname "$lib")"
    local fresh
    fresh=$(mktemp -d "$lib.XXXXXX")
    fetch_jars "$fresh"
    check_jars "$fresh"
    chmod 755 "$fresh"
    echo "$wanted" >"$fresh/made-from"
    rm -rf "$lib"
    if mv -T "$fresh" "$lib" 2>/dev/null; then
        archive_classes
    else
        rm -rf "$fresh" # another run was faster
    fi
}

# A throw-away broker archives the classes that it loaded: later brokers start in half the time.
# Without the archive java starts as usual.
archive_classes() {
    local scratch base pid
    scratch=$(mktemp -d)
    base=$((20000 + RANDOM % 10000))
    TOCSIN_KAFKA_ARCHIVE=$scratch/kafka.jsa "${BASH_SOURCE[0]}" run --lib "$lib" --dir "$scratch" \
        --port "$base" --controller-port $((base + 1)) >"$scratch/log" 2>&1 &
    pid=$!
    for ((i = 0; i < 300; i++)); do
        if ! kill -0 "$pid" 2>/dev/null || grep -q 'Kafka Server started' "$scratch/log"; then
            break
        fi
        sleep 0.1
    done
    kill "$pid" 2>/dev/null || true
    wait "$pid" || true
    if [[ -s $scratch/kafka.jsa ]]; then
        mv "$scratch/kafka.jsa" "$lib/kafka.jsa"
    fi
    rm -rf "$scratch"
}

write_properties() {
    local text
    text=$(<"$here/server.properties")
    text=${text//@DIR@/"$dir"}
    text=${text//@PORT@/"$port"}
    text=${text//@CONTROLLER_PORT@/"$controller_port"}
    mkdir -p "$dir/data"
    printf '%s\n' "$text" ${settings[@]+"${settings[@]}"} >"$dir/server.properties"
}

format_store() {
    if [[ -f $dir/data/meta.properties ]]; then
        return
    fi
    if [[ ! -s $dir/cluster.id ]]; then
        head -c 16 /dev/urandom | base64 | tr '+/' 'ab' | tr -d '=' >"$dir/cluster.id"
    fi
    "${java[@]}" kafka.tools.StorageTool format --ignore-formatted \
        --cluster-id "$(<"$dir/cluster.id")" --config "$dir/server.properties" >&2
}

verb=${1:-}
[[ $# -gt 0 ]] && shift
dir='' port='' controller_port='' settings=()
while [[ $# -gt 0 ]]; do
    [[ $# -ge 2 ]] || fail "$1 needs a value"
    case $1 in
        --dir) dir=$2 ;;
        --port) port=$2 ;;
        --controller-port) controller_port=$2 ;;
        --heap) heap=$2 ;;
        --lib) lib=$2 ;;
        --set) settings+=("$2") ;;
        *) fail "unknown option $1" ;;
    esac
    shift 2
done

case $verb in
    install)
        install_jars
        exit
        ;;
    sums)
        write_sums
        exit
        ;;
    format | run) ;;
    *)
        sed -n '2,/^set /s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
        exit 2
        ;;
esac

[[ -n $dir && -n $port && -n $controller_port ]] ||
    fail "$verb needs --dir, --port and --controller-port"
compgen -G "$lib/kafka_*.jar" >/dev/null || fail "no jars in $lib: run 'broker.sh install' first"
mkdir -p "$dir"
dir=$(cd "$dir" && pwd)
java=(java -Xms128m "-Xmx$heap" -XX:+UseG1GC -XX:MaxGCPauseMillis=20 -XX:+ExitOnOutOfMemoryError
    -Djava.awt.headless=true
    -Xlog:disable -Xlog:all=error:stderr "-Dlog4j2.configurationFile=$here/log4j2.properties"
    -cp "$lib/*")

if [[ -f $lib/kafka.jsa ]]; then
    java+=("-XX:SharedArchiveFile=$lib/kafka.jsa")
fi

write_properties
format_store
if [[ $verb == run ]]; then
    if [[ -n ${TOCSIN_KAFKA_ARCHIVE:-} ]]; then
        java+=("-XX:ArchiveClassesAtExit=$TOCSIN_KAFKA_ARCHIVE")
    fi
    exec "${java[@]}" kafka.Kafka "$dir/server.properties"
fi
