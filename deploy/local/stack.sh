# shellcheck shell=bash disable=SC2154  # variables of ./dev
# Sourced by ./dev: the running stack, under supervisord. It stops only programs that its supervisor
# answers for, and programs that still run with our own files after their supervisor died.

# A unix socket path has at most 107 characters: with a longer TOCSIN_HOME it lies in a folder of
# /tmp, whose name is kept.
stack_socket() {
    local socket=$state/run/supervisor.sock
    if [[ ${#socket} -gt 90 || $socket == *\ * ]]; then
        if [[ ! -d $(cat "$state/run/socket-dir" 2>/dev/null) ]]; then
            mkdir -p "$state/run"
            mktemp -d /tmp/tocsin.XXXXXX >"$state/run/socket-dir"
        fi
        socket=$(<"$state/run/socket-dir")/supervisor.sock
    fi
    echo "$socket"
}

control() { supervisorctl -c "$state/supervisord.conf" "$@"; }

stack_running() {
    [[ -f $state/supervisord.conf && -S $(stack_socket) ]] && control pid >/dev/null 2>&1
}

# The options that the running stack was started with.
stack_mode() { cat "$state/run/mode" 2>/dev/null || true; }

stack_up() {
    local option mode=()
    for option in "$@"; do
        case $option in
            --processes | --monitoring) mode+=("$option") ;;
            *) fail "up: unknown option $option" ;;
        esac
    done
    need build run
    [[ " ${mode[*]} " != *' --monitoring '* ]] || need monitoring
    local targets=() without_ours=()
    mapfile -t without_ours < <(compgen -e | sed -n 's/^TOCSIN_/-u\n&/p')
    mapfile -t targets < <(programs "${mode[@]}")
    build_preset "$preset" tocsin "${targets[@]}"
    stack_running || stop_leftovers
    choose_ports
    make_secrets
    write_configuration "${mode[@]}"
    if stack_running; then
        [[ $(stack_mode) == "${mode[*]}" ]] || say "changing the mode to: ${mode[*]:-one process}"
        control update >&2
    else
        say "starting"
        # Without our own variables: to the programs they would count more than their files.
        env "${without_ours[@]}" supervisord -c "$state/supervisord.conf" 9>&- >&2 ||
            fail "supervisord did not start"
    fi
    echo "${mode[*]}" >"$state/run/mode"
    start_programs "${mode[@]}"
    print_addresses "${mode[@]}"
}

# Kafka first, so that no service has to wait for it; then what is not running or is out of date.
start_programs() {
    local started now deadline=$((SECONDS + 60))
    if [[ -z ${KAFKA_BOOTSTRAP_SERVERS:-} ]] && ! port_is_open "${port[KAFKA]}"; then
        control start kafka >/dev/null || true
        wait_until "$deadline" port_is_open "${port[KAFKA]}" || stack_failed kafka
    fi
    now=$(fingerprint "$@")
    started=$(cat "$state/run/fingerprint" 2>/dev/null || true)
    if [[ $now != "$started" ]]; then
        control stop 'services:*' >/dev/null || true
    fi
    if ! all_running "$@"; then
        control start 'services:*' >/dev/null || true
    fi
    if [[ " $* " == *' --monitoring '* ]]; then
        if port_is_open "${port[PROMETHEUS]}"; then
            control signal HUP prometheus >/dev/null || true # it reads its rules again
        else
            control start prometheus >/dev/null || true
        fi
        wait_until "$deadline" port_is_open "${port[PROMETHEUS]}" || stack_failed prometheus
    fi
    echo "$now" >"$state/run/fingerprint"
    # shellcheck disable=SC2046  # names without spaces
    wait_until "$deadline" healthy "$@" || stack_failed $(programs "$@")
}

# The programs that the demo needs besides the stack itself.
demo_programs_up() {
    read_ports
    local name deadline=$((SECONDS + 60))
    for name in world mastodon; do
        port_is_open "${port[DEMO_${name^^}]}" || control start "demo-$name" >/dev/null || true
        wait_until "$deadline" port_is_open "${port[DEMO_${name^^}]}" || stack_failed "demo-$name"
    done
}

# Changes when the programs that run are no longer those on disk, or their settings are not.
fingerprint() {
    local program
    for program in $(programs "$@"); do
        stat -L -c '%n %s %y' "$(bin)/$program"
        cat "$state/conf/$program.conf"
    done | sha256sum
}

all_running() {
    local lines
    lines=$(control status 'services:*' 2>/dev/null || true)
    [[ -n $lines ]] && ! grep -qv ' RUNNING ' <<<"$lines"
}

# All services accept calls and the gateway says that it can reach them.
healthy() {
    local program short
    for program in $(programs "$@"); do
        short=${program#tocsin-}
        [[ $short == gateway ]] || port_is_open "${port[${short^^}_GRPC]}" || return 1
    done
    curl -fsS --noproxy '*' --max-time 2 -o /dev/null \
        "http://127.0.0.1:${port[GATEWAY]}/healthz" 2>/dev/null
}

# wait_until DEADLINE CONDITION...: asks again until it holds; gives up at the deadline (in
# $SECONDS) or when a program has been failing for some seconds, however often supervisor starts it
# again.
wait_until() {
    local deadline=$1 tries=0 failing=0
    shift
    until "$@"; do
        tries=$((tries + 1))
        [[ $SECONDS -lt $deadline ]] || return 1
        if ((tries % 20 == 0)); then
            if control status 2>/dev/null | grep -Eq ' (FATAL|BACKOFF) '; then
                failing=$((failing + 1))
                [[ $failing -lt 3 ]] || return 1
            else
                failing=0
            fi
        fi
        sleep 0.1
    done
}

stack_failed() {
    local name
    say "the stack did not become healthy:"
    control status >&2 || true
    for name in "$@"; do
        say "last lines of $state/log/$name.log:"
        tail -n 20 "$state/log/$name.log" >&2 || true
    done
    exit 1
}

print_addresses() {
    {
        case $world in
            exercise) echo "Tocsin is up: the exercise world, from which nothing real goes out." ;;
            live) echo "Tocsin is up: the LIVE world. What it publishes is meant." ;;
        esac
        echo "  gateway     http://127.0.0.1:${port[GATEWAY]}"
        if [[ " $* " == *' --processes '* ]]; then
            local name
            for name in "${services[@]}"; do
                printf '  %-11s grpc 127.0.0.1:%s  metrics http://127.0.0.1:%s/metrics\n' "$name" \
                    "${port[${name^^}_GRPC]}" "${port[${name^^}_METRICS]}"
            done
            echo "  gateway     metrics http://127.0.0.1:${port[GATEWAY_METRICS]}/metrics"
        else
            echo "  grpc        127.0.0.1:${port[ALL_GRPC]}"
            echo "  metrics     http://127.0.0.1:${port[ALL_METRICS]}/metrics"
        fi
        echo "  kafka       $(kafka_bootstrap)"
        [[ " $* " != *' --monitoring '* ]] ||
            echo "  prometheus  http://127.0.0.1:${port[PROMETHEUS]}"
        echo "Try: ./dev tocsin$there --help, ./dev status$there, ./dev logs$there -f," \
            "./dev down$there"
    } >&2
}

stack_down() {
    local clean=''
    case ${1:-} in
        '') ;;
        --clean) clean=yes ;;
        *) fail "down: unknown option $1" ;;
    esac
    if stack_running; then
        say "stopping"
        local pid deadline=$((SECONDS + 70))
        pid=$(control pid)
        control shutdown >/dev/null
        while kill -0 "$pid" 2>/dev/null; do
            [[ $SECONDS -lt $deadline ]] || fail "the stack is still stopping; see ./dev status"
            sleep 0.1
        done
    else
        stop_leftovers
    fi
    rm -f "$state/run/fingerprint" "$state/run/mode"
    if [[ -n $clean ]]; then
        say "deleting the ledgers, ports, keys and logs in $state"
        rm -rf "${state:?}"
    fi
}

# Programs that were started by a supervisor which was killed itself: they are ours if they are one
# of these programs and were given a configuration file of ours.
leftovers() {
    local file pid
    # shellcheck disable=SC2062  # a list of files, not a pattern
    {
        for file in "$state"/conf/*.conf; do echo "--config=$file"; done
        echo "$state/kafka/server.properties"
        echo "$state/conf/demo-mastodon.toml"
        echo "$state/demo/secrets"
        echo "--config.file=$state/prometheus/prometheus.yml"
    } | grep -lzxF --file=- /proc/[0-9]*/cmdline 2>/dev/null | cut -d/ -f3 | while read -r pid; do
        case $(cat "/proc/$pid/comm" 2>/dev/null) in
            tocsin-* | java | prometheus | python*) echo "$pid" ;;
        esac
    done
}

stop_leftovers() {
    local pids=()
    mapfile -t pids < <(leftovers)
    [[ ${#pids[@]} -gt 0 ]] || return 0
    say "stopping programs that an earlier stack left running (processes ${pids[*]})"
    kill "${pids[@]}" 2>/dev/null || true
    local deadline=$((SECONDS + 40))
    while kill -0 "${pids[@]}" 2>/dev/null; do
        [[ $SECONDS -lt $deadline ]] || fail "processes ${pids[*]} do not stop: end them by hand"
        sleep 0.1
    done
}

stack_status() {
    if ! stack_running; then
        say "nothing of the $world world is running (./dev up --world $world starts it)"
        exit 3
    fi
    control status || true
    read_ports
    # shellcheck disable=SC2046  # the modes are words
    print_addresses $(stack_mode)
}

stack_logs() {
    local follow='' name='' files=() argument
    for argument in "$@"; do
        case $argument in
            -f) follow=yes ;;
            *) name=$argument ;;
        esac
    done
    if [[ -z $name ]]; then
        files=("$state"/log/*.log)
    else
        files=("$state/log/$name.log")
        [[ -f ${files[0]} ]] || files=("$state/log/tocsin-$name.log")
    fi
    [[ -f ${files[0]} ]] || fail "no log of ${name:-anything} in $state/log"
    if [[ -n $follow ]]; then
        exec tail -n 20 -F "${files[@]}"
    fi
    tail -n 50 "${files[@]}"
}
