# shellcheck shell=bash disable=SC2154  # variables of ./dev
# Sourced by ./dev: tests, simulator, benchmarks, lint.

# What the tests find in their environment, besides TOCSIN_DOSE and TOCSIN_DATA.
export_for_tests() {
    export TOCSIN_BIN TOCSIN_PYTHON=$home/venv/bin/python
    TOCSIN_BIN=$(bin "$1")
}

# ctest_group BUILD LABELS JOBS ARGS...: one run of ctest; its summary goes to $summaries as well.
ctest_group() {
    local build=$1 labels=$2 jobs=$3 log status=0
    shift 3
    log=$home/log/ctest-$build-${labels//|/-}.log
    mkdir -p "$home/log"
    say "tests: $labels ($build)"
    export_for_tests "$build"
    ctest --test-dir "$root/build/$build" --output-on-failure --no-tests=error -j "$jobs" \
        -L "^($labels)\$" "$@" 2>&1 | tee "$log" || status=$?
    {
        echo "== $labels ($build)"
        grep -E -A 1000 'tests passed|No tests were found' "$log" || tail -n 3 "$log"
    } >>"$summaries"
    return "$status"
}

run_tests() {
    local full='' regex=() status=0 summaries
    while [[ $# -gt 0 ]]; do
        case $1 in
            --full) full=yes ;;
            -R)
                [[ $# -ge 2 ]] || fail "test: -R needs a regular expression"
                regex=(-R "$2")
                shift
                ;;
            *) fail "test: unknown option $1" ;;
        esac
        shift
    done
    need build run test monitoring fuzz
    locked build_preset "$preset"
    locked build_preset fuzz
    summaries=$(mktemp "$home/summaries.XXXXXX")
    export TOCSIN_DOSE=ci
    local dose=(-LE '^full$')
    if [[ -n $full ]]; then
        TOCSIN_DOSE=full
        dose=()
    fi
    if [[ ${#regex[@]} -gt 0 ]]; then
        ctest_group "$preset" 'unit|sim|broker|e2e|full' 1 "${regex[@]}" "${dose[@]}" \
            --no-tests=ignore || status=1
        ctest_group fuzz fuzz 1 "${regex[@]}" --no-tests=ignore || status=1
        grep -q 'tests passed' "$summaries" || {
            say "no test name matches ${regex[1]}"
            status=1
        }
    else
        ctest_group "$preset" 'unit|sim' 2 "${dose[@]}" || status=1
        ctest_group fuzz fuzz 2 || status=1
        # Groups that have no test yet do not fail the run; the last --no-tests wins.
        ctest_group "$preset" broker 2 "${dose[@]}" --no-tests=ignore || status=1
        ctest_group "$preset" e2e 2 "${dose[@]}" --no-tests=ignore || status=1
    fi
    if [[ -n $full && ${#regex[@]} -eq 0 ]]; then
        # Tests of the full dose that belong to no other group; the last --no-tests wins.
        ctest_group "$preset" full 1 -LE '^(unit|sim|broker|e2e)$' --no-tests=ignore || status=1
        locked build_preset asan
        # More of the same memory is no news, and each seed takes ten times as long there.
        LSAN_OPTIONS=suppressions=$root/tests/support/lsan.supp TOCSIN_DOSE=ci \
            ctest_group asan 'unit|sim' 2 || status=1
    fi
    cat "$summaries"
    rm -f "$summaries"
    [[ $status -eq 0 ]] || fail "tests failed"
}

sim() {
    locked build_preset "$preset" tocsin-sim
    exec "$(bin)/tocsin-sim" "$@"
}

# On a Kafka of its own, whose data goes away afterwards.
bench() {
    local name ports status=0
    need run
    for name in "$@"; do
        case $name in
            command.restate)
                [[ -z ${KAFKA_BOOTSTRAP_SERVERS:-} ]] ||
                    fail "bench: command.restate needs a Kafka on the same disk:" \
                        "unset KAFKA_BOOTSTRAP_SERVERS"
                need restate
                export TOCSIN_RESTATE=$home/tools/restate/node_modules
                ;;
            fire.1000.apprise)
                need apprise
                export TOCSIN_APPRISE=$home/tools/apprise/bin/python
                ;;
            fire.1.alertmanager | fire.1.cleared) need alertmanager ;;
            feed.full.nginx | feed.304.nginx) need nginx ;;
        esac
    done
    locked build_preset "$preset" # the benchmarks start the other programs as well
    export_for_tests "$preset"
    if [[ -n ${KAFKA_BOOTSTRAP_SERVERS:-} ]]; then
        export TOCSIN_KAFKA_BOOTSTRAP=$KAFKA_BOOTSTRAP_SERVERS
        exec "$(bin)/tocsin-bench" "$@"
    fi
    umask 077 # the benchmarks make keys and credentials
    bench_folder=$(mktemp -d "$home/bench.XXXXXX")
    export TOCSIN_BENCH_DISK=$bench_folder
    mapfile -t ports < <(free_ports 2)
    "$root/deploy/kafka/broker.sh" run --dir "$bench_folder" --port "${ports[0]}" \
        --controller-port "${ports[1]}" 2>"$bench_folder/kafka.log" &
    bench_broker=$!
    trap 'kill "$bench_broker" 2>/dev/null
          wait "$bench_broker" || true
          rm -rf "$bench_folder"' EXIT
    local deadline=$((SECONDS + 60))
    until port_is_open "${ports[0]}"; do
        if [[ $SECONDS -ge $deadline ]] || ! kill -0 "$bench_broker" 2>/dev/null; then
            cat "$bench_folder/kafka.log" >&2
            fail "the benchmarks' broker did not start: its log is above"
        fi
        sleep 0.1
    done
    TOCSIN_KAFKA_BOOTSTRAP=127.0.0.1:${ports[0]} "$(bin)/tocsin-bench" "$@" || status=$?
    exit "$status"
}

# Each check reads the files that git would add to a commit, so build output never counts.
files() { (cd "$root" && git ls-files -co --exclude-standard -- "$@" | while read -r file; do
    [[ ! -f $file ]] || echo "$file"
done); }

lint() {
    local check failed=()
    need build lint
    mkdir -p "$home/log"
    cd "$root" || exit
    case ${1:-} in
        '') ;;
        --fix)
            sources | xargs -r "$(tool clang-format)" -i
            return
            ;;
        *) fail "lint: unknown option $1" ;;
    esac
    for check in formatting shell python go protos maven tidy; do
        say "lint: $check"
        "lint_$check" || failed+=("$check")
    done
    [[ ${#failed[@]} -eq 0 ]] || fail "lint failed: ${failed[*]}"
    say "lint: clean"
}

# The first of the commands that exists: Debian 12 has only the versioned names.
tool() { command -v "$1-19" || command -v "$1"; }

sources() { files 'services/*.hpp' 'services/*.cpp' 'tests/*.hpp' 'tests/*.cpp'; }

lint_formatting() {
    sources | xargs -r "$(tool clang-format)" --dry-run -Werror
}

lint_shell() {
    { echo dev .ci/run && files 'deploy/*.sh' 'deploy/local/no-services/*' 'tests/*.sh'; } |
        xargs shellcheck -x
}

lint_python() {
    local cache status=0
    cache=$(mktemp -d)
    files '*.py' | PYTHONPYCACHEPREFIX=$cache xargs -r python3 -m compileall -q || status=1
    rm -rf "$cache"
    return "$status"
}

lint_go() {
    local wrong
    wrong=$(files '*.go' | xargs gofmt -l)
    [[ -z $wrong ]] || {
        echo "gofmt: $wrong" >&2
        return 1
    }
    (cd tests/linearizability && go vet ./...)
}

lint_protos() {
    (cd proto && "$home/npm/node_modules/.bin/buf" lint)
}

lint_maven() {
    xmllint --noout deploy/kafka/pom.xml
}

# What the build compiles of services/: sources by themselves, and those of a library ten at a time
# (cmake/targets.cmake), which costs a third of the time. Mains have a line or two, stubs are
# generated.
tidied() {
    python3 - "$root" "$root/build/$preset/compile_commands.json" <<'END'
import json, re, sys

root, commands = sys.argv[1:]
wanted = re.compile(re.escape(root) + r"/(services/(?!.*/main\.cpp$)|.*/Unity/)")
skipped = re.compile(r"/tocsin_protos\.dir/|/build/[a-z]+/tests/")
for file in sorted({command["file"] for command in json.load(open(commands))}):
    if wanted.match(file) and not skipped.search(file):
        print(file)
END
}

lint_tidy() {
    (locked build_preset "$preset" tocsin_protos) || return 1 # clang-tidy reads generated headers
    # Sources are included on purpose where they are compiled ten at a time.
    tidied | xargs -r -n 1 -P "$(nproc)" "$(tool clang-tidy)" -p "build/$preset" --quiet \
        --checks=-bugprone-suspicious-include \
        --extra-arg=-Wno-unknown-warning-option 2>"$home/log/clang-tidy.log"
}
