# shellcheck shell=bash disable=SC2154  # variables of ./dev
# Sourced by ./dev: the loopback ports of the stack, chosen once and kept in
# .tocsin/WORLD/ports.env.

# A service is a folder with a decider, as in cmake/services.cmake.
mapfile -t services < <(
    cd "$root/services" && printf '%s\n' */decider.hpp | sed 's|/.*||'
)

port_names() {
    local name
    echo KAFKA KAFKA_CONTROLLER PROMETHEUS GATEWAY GATEWAY_METRICS ALL_GRPC ALL_METRICS \
        DEMO_WORLD DEMO_MASTODON
    for name in "${services[@]^^}"; do echo "${name}_GRPC" "${name}_METRICS"; done
}

# Prints $1 ports that nothing listens on, none of them $2... They lie below the range from which
# the kernel takes ports for outgoing connections, so that a restarting service finds its own free.
free_ports() {
    python3 - "$@" <<'END'
import random, socket, sys

count, taken = int(sys.argv[1]), {int(port) for port in sys.argv[2:]}
candidates = (port for port in random.sample(range(17000, 32000), 15000) if port not in taken)
while count:
    port = next(candidates)
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            continue
    print(port)
    count -= 1
END
}

port_is_open() { (: >"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# Sets port[NAME] for all names, from the file if it has them. While the stack is down, it replaces
# a port on which another program listens by now.
declare -A port
choose_ports() {
    local name value new ours=''
    read_ports
    ! stack_running || ours=yes
    for name in $(port_names); do
        value=${port[$name]:-}
        if [[ -z $value ]] || { [[ -z $ours ]] && port_is_open "$value"; }; then
            # shellcheck disable=SC2046  # numbers
            new=$(free_ports 1 "${port[@]}" $(ports_of_other_world))
            [[ -z $value ]] || say "port $value is taken by another program; $name moves to $new"
            port[$name]=$new
        fi
    done
    for name in $(port_names); do echo "$name=${port[$name]}"; done >"$state/ports.env"
}

ports_of_other_world() {
    local other=live
    [[ $world != live ]] || other=exercise
    cut -d= -f2 "$home/$other/ports.env" 2>/dev/null || true
}

read_ports() {
    local name value
    port=()
    [[ -f $state/ports.env ]] || return 0
    while IFS='=' read -r name value; do port[$name]=$value; done <"$state/ports.env"
}
