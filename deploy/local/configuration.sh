# shellcheck shell=bash disable=SC2154  # variables of ./dev
# Sourced by ./dev: the files in .tocsin/WORLD that say how its stack runs. All are derived,
# except the keys in .tocsin/WORLD/secrets, which are made once.

# Where the broker listens that the stack uses: our own, or the one that the caller named.
kafka_bootstrap() { echo "${KAFKA_BOOTSTRAP_SERVERS:-127.0.0.1:${port[KAFKA]}}"; }

# The programs of the mode: one with everything in it, or one per service.
programs() {
    if [[ " $* " == *' --processes '* ]]; then
        printf 'tocsin-%s\n' "${services[@]}" gateway
    else
        echo tocsin-all
    fi
}

# private FILE: writes its input to FILE, which nobody else can read at any moment, whatever was
# there before.
private() {
    rm -f "$1.new"
    (umask 077 && cat >"$1.new")
    mv "$1.new" "$1"
}

make_secrets() {
    umask 077
    local folder=$state/secrets
    local name
    mkdir -p "$folder"
    chmod 700 "$folder"
    echo "Secrets in this folder are for development: --production refuses them." \
        >"$folder/DEVELOPMENT"
    for name in mac.key credentials.key; do
        [[ -s $folder/$name ]] ||
            od -An -v -tx1 -N32 /dev/urandom | tr -d ' \n' | private "$folder/$name"
    done
    if [[ ! -s $folder/issuer.key.pem || ! -s $folder/jwks.json ]]; then
        "$(bin)/tocsin" token init --dir "$folder" >&2 || fail "'tocsin token init' failed"
    fi
}

# What the demo's channels sign and post with. Secrets are made once, like the keys; where they may
# be sent follows from the ports. The receivers' own copies are in demo/secrets.
demo_realm=bow-river
demo_agencies=(calgary alberta)
# shellcheck disable=SC2016  # variables of jq
make_demo_credentials() {
    local agency
    mkdir -p "$state/demo/secrets"
    for agency in "${demo_agencies[@]}"; do
        put_demo_credential "$agency" webhook "http://127.0.0.1:${port[DEMO_WORLD]}" \
            '{secrets: [$secret]}' "whsec_$(head -c 32 /dev/urandom | base64 -w 0)"
        put_demo_credential "$agency" mastodon "http://127.0.0.1:${port[DEMO_MASTODON]}" \
            '{token: $secret}' "$(od -An -v -tx1 -N32 /dev/urandom | tr -d ' \n')"
        put_demo_certificate "$agency"
    done
}

# AGENCY KIND ORIGIN HOLDER MADE: HOLDER is a jq expression for what holds the secret; MADE is the
# secret if there is none yet.
put_demo_credential() {
    local secret=$state/demo/secrets/$2-$1
    [[ -s $secret ]] || printf %s "$5" | private "$secret"
    jq -n --arg kind "$2" --arg realm "$demo_realm" --arg agency "$1" --arg origin "$3" \
        --rawfile secret "$secret" \
        "{kind: \$kind, realm: \$realm, agency: \$agency, origins: [\$origin]} + $4" |
        "$(bin)/tocsin" credential put "demo-$2-$1" --file "$state/secrets/credentials" \
            --key-file "$state/secrets/credentials.key" --world "$world" ||
        fail "the credential demo-$2-$1 could not be stored"
}

# AGENCY: what its feed signs with, of an authority of the demo. Readers trust demo/authority.pem.
# shellcheck disable=SC2016  # variables of jq
put_demo_certificate() {
    local secret=$state/demo/secrets/feed-$1
    [[ -s $secret ]] || make_demo_certificate "$1" | private "$secret"
    jq --arg realm "$demo_realm" --arg agency "$1" \
        '{kind: "feed", realm: $realm, agency: $agency} + .' "$secret" |
        "$(bin)/tocsin" credential put "demo-feed-$1" --file "$state/secrets/credentials" \
            --key-file "$state/secrets/credentials.key" --world "$world" ||
        fail "the credential demo-feed-$1 could not be stored"
}

# AGENCY: a new key and its certificates, as an entry holds them.
# shellcheck disable=SC2016  # variables of jq
make_demo_certificate() {
    local folder=$state/demo
    if [[ ! -s $folder/authority.pem || ! -s $folder/authority.key ]]; then
        openssl req -x509 -newkey rsa:2048 -noenc -days 3650 -subj "/CN=Authority of the demo" \
            -keyout "$folder/authority.key" -out "$folder/authority.pem" 2>/dev/null ||
            fail "openssl could not make the demo's authority in $folder"
    fi
    openssl req -new -newkey rsa:2048 -noenc -subj "/CN=$1" -keyout "$folder/$1.key" 2>/dev/null |
        openssl x509 -req -days 3650 -CA "$folder/authority.pem" -CAkey "$folder/authority.key" \
            -set_serial "0x$(od -An -v -tx1 -N8 /dev/urandom | tr -d ' \n')" \
            -out "$folder/$1.pem" 2>/dev/null ||
        fail "openssl could not make a certificate of $1 in $folder"
    jq -n --rawfile key "$folder/$1.key" --rawfile own "$folder/$1.pem" \
        --rawfile issuer "$folder/authority.pem" \
        '{key: $key, certificates: ($own + $issuer)}'
    rm "$folder/$1.key"
}

# A Mastodon-API server with an account per agency, whose tokens are those of the channels.
write_demo_configuration() {
    local agency
    {
        printf '[database]\npath = "%s"\n' "$state/demo/mastodon.sqlite"
        for agency in "${demo_agencies[@]}"; do
            printf '[[seed.accounts]]\n%s = "%s"\n%s = "%s"\n%s = "%s"\n' \
                username "$agency" display_name "${agency^}" \
                access_token "$(<"$state/demo/secrets/mastodon-$agency")"
        done
    } | private "$state/conf/demo-mastodon.toml"
}

# One KEY VALUE... pair per line; each program gets only the keys that it knows.
setting() { printf '%s=%s\n' "$1" "$2"; }

write_program_configuration() {
    local program=$1 name
    local short=${program#tocsin-}
    setting world "$world"
    setting instance local
    setting log-level "${TOCSIN_LOG_LEVEL:-info}"
    setting jwks "$state/secrets/jwks.json"
    setting jwt-issuer tocsin-dev
    setting jwt-audience tocsin
    setting metrics-listen "127.0.0.1:${port[${short^^}_METRICS]}"
    if [[ $short != gateway ]]; then
        setting grpc-listen "127.0.0.1:${port[${short^^}_GRPC]}"
        setting kafka-bootstrap "$(kafka_bootstrap)"
        [[ -z ${KAFKA_PROPERTIES:-} ]] || setting kafka-properties "$(realpath "$KAFKA_PROPERTIES")"
        setting kafka-partitions 8
        setting mac-key-file "$state/secrets/mac.key"
        [[ $world == live ]] || setting live-hosts-file "$home/live-hosts.json"
    fi
    if [[ $short == publishing || $short == all ]]; then
        setting publishing-credentials-file "$state/secrets/credentials"
        setting publishing-credentials-key-file "$state/secrets/credentials.key"
        setting publishing-feed-base-url "http://127.0.0.1:${port[GATEWAY]}"
        setting publishing-allow-private-addresses true
        [[ $world == exercise ]] || setting publishing-hosts-file "$home/live-hosts.json"
    fi
    if [[ $short == measurement || $short == all ]]; then
        case $world in
            live) setting measurement-exercise-practice-file "$home/exercise-practice.json" ;;
            *) setting measurement-practice-file "$home/exercise-practice.json" ;;
        esac
    fi
    if [[ $short == trigger || $short == all ]]; then
        setting trigger-allow-private-addresses true
    fi
    if [[ $short == gateway || $short == all ]]; then
        setting gateway-listen "127.0.0.1:${port[GATEWAY]}"
    fi
    if [[ $short == gateway ]]; then
        for name in "${services[@]}"; do
            setting "upstream-$name" "127.0.0.1:${port[${name^^}_GRPC]}"
        done
    fi
}

# Everything that the command line client, the demo and other callers need to reach the stack.
write_environment() {
    local name prefix
    echo "TOCSIN_WORLD=$world"
    echo "TOCSIN_GATEWAY=http://127.0.0.1:${port[GATEWAY]}"
    for name in "${services[@]^^}"; do
        prefix=ALL
        [[ " $* " != *' --processes '* ]] || prefix=$name
        echo "TOCSIN_$name=127.0.0.1:${port[${prefix}_GRPC]}"
        echo "TOCSIN_${name}_METRICS=127.0.0.1:${port[${prefix}_METRICS]}"
    done
    printf 'TOCSIN_KAFKA_BOOTSTRAP=%q\n' "$(kafka_bootstrap)"
    [[ -z ${KAFKA_PROPERTIES:-} ]] ||
        printf 'TOCSIN_KAFKA_PROPERTIES=%q\n' "$(realpath "$KAFKA_PROPERTIES")"
    printf 'TOCSIN_MAC_KEY_FILE=%q\n' "$state/secrets/mac.key"
    printf 'TOCSIN_PUBLISHING_CREDENTIALS_FILE=%q\n' "$state/secrets/credentials"
    printf 'TOCSIN_PUBLISHING_CREDENTIALS_KEY_FILE=%q\n' "$state/secrets/credentials.key"
    printf 'TOCSIN_ISSUER_KEY=%q\n' "$state/secrets/issuer.key.pem"
    printf 'TOCSIN_JWKS=%q\n' "$state/secrets/jwks.json"
    echo 'TOCSIN_JWT_ISSUER=tocsin-dev'
    echo 'TOCSIN_JWT_AUDIENCE=tocsin'
    # The people of the demo, so that --as NAME is enough; an operator is on no realm's roster.
    echo "TOCSIN_REALM=$demo_realm"
    printf 'TOCSIN_PEOPLE=%q\n' "$root/deploy/demo/roster.json:$root/deploy/demo/operators.json"
    echo "TOCSIN_DEMO_WORLD=http://127.0.0.1:${port[DEMO_WORLD]}"
    echo "TOCSIN_DEMO_MASTODON=http://127.0.0.1:${port[DEMO_MASTODON]}"
    [[ " $* " != *' --monitoring '* ]] ||
        echo "TOCSIN_PROMETHEUS=http://127.0.0.1:${port[PROMETHEUS]}"
}

# Exports what write_environment wrote, where there is a stack.
load_environment() {
    [[ -f $state/env ]] || return 0
    set -a
    # shellcheck source=/dev/null
    source "$state/env"
    set +a
}

# Prometheus finds the programs in targets.json; the configuration in the repository names it
# relative to itself, which holds unless TOCSIN_HOME was moved.
write_prometheus_configuration() {
    local program
    [[ -f $root/monitoring/prometheus.yml ]] || fail "monitoring/prometheus.yml is missing"
    mkdir -p "$state/prometheus"
    for program in $(programs "$@"); do
        local short=${program#tocsin-}
        jq -n --arg target "127.0.0.1:${port[${short^^}_METRICS]}" --arg service "$short" \
            '{targets: [$target], labels: {job: "tocsin", service: $service}}'
    done | jq -s . >"$state/prometheus/targets.json.new"
    mv "$state/prometheus/targets.json.new" "$state/prometheus/targets.json"
    sed -e "s|\.\./\.tocsin/exercise/|$state/|" -e "s|\([ \"']\)rules/|\1$root/monitoring/rules/|" \
        "$root/monitoring/prometheus.yml" >"$state/prometheus/prometheus.yml"
}

# Supervisor splits commands like a shell.
argument() { printf '"%s" ' "$@"; }

write_supervisor_program() {
    local name=$1 priority=$2 seconds=$3
    shift 3
    cat <<END

[program:$name]
command=$(argument "$@")
directory=$state
priority=$priority
autostart=false
autorestart=true
startsecs=1
startretries=10
stopsignal=TERM
stopwaitsecs=$seconds
stopasgroup=true
killasgroup=true
redirect_stderr=true
stdout_logfile=$state/log/$name.log
stdout_logfile_maxbytes=20MB
stdout_logfile_backups=2
END
}

write_supervisor_configuration() {
    local program
    cat <<END
[supervisord]
logfile=$state/log/supervisord.log
pidfile=$state/run/supervisord.pid
childlogdir=$state/log
umask=077
$([[ $(id -u) -ne 0 ]] || echo user=root)

[unix_http_server]
file=$(stack_socket)
chmod=0700

[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface

[supervisorctl]
serverurl=unix://$(stack_socket)
END
    if [[ -z ${KAFKA_BOOTSTRAP_SERVERS:-} ]]; then
        write_supervisor_program kafka 1 30 "$root/deploy/kafka/broker.sh" run \
            --lib "$TOCSIN_KAFKA_LIB" --heap "${TOCSIN_KAFKA_HEAP:-512m}" --dir "$state/kafka" \
            --port "${port[KAFKA]}" --controller-port "${port[KAFKA_CONTROLLER]}"
    fi
    for program in $(programs "$@"); do
        write_supervisor_program "$program" 10 25 \
            "$(bin)/$program" "--config=$state/conf/$program.conf"
    done
    echo
    echo '[group:services]'
    echo "programs=$(programs "$@" | paste -sd,)"
    echo 'priority=10'
    write_supervisor_program demo-world 30 5 "$home/venv/bin/python" "$root/deploy/demo/world.py" \
        --port "${port[DEMO_WORLD]}" --secrets "$state/demo/secrets"
    write_supervisor_program demo-mastodon 30 10 "$home/venv/bin/python" -m mastodon_mock serve \
        --config "$state/conf/demo-mastodon.toml" --port "${port[DEMO_MASTODON]}" \
        --log-level warning
    if [[ " $* " == *' --monitoring '* ]]; then
        write_supervisor_program prometheus 20 10 prometheus \
            "--config.file=$state/prometheus/prometheus.yml" \
            "--storage.tsdb.path=$state/prometheus/data" \
            "--web.listen-address=127.0.0.1:${port[PROMETHEUS]}" --log.level=warn
    fi
}

write_configuration() {
    umask 077
    local program
    mkdir -p "$state/conf" "$state/log" "$state/run"
    for program in $(programs "$@"); do
        write_program_configuration "$program" >"$state/conf/$program.conf"
    done
    write_environment "$@" >"$state/env"
    make_demo_credentials
    write_demo_configuration
    # A live world that was never started has no channels.
    [[ $world == live || -s $home/live-hosts.json ]] ||
        printf '{"world": "live", "written_at": %s, "hosts": []}\n' "$(date +%s)" \
            >"$home/live-hosts.json"
    # Nor has anybody practised in an exercise that never took place.
    [[ $world == exercise || -s $home/exercise-practice.json ]] ||
        echo '{"world": "exercise", "written_at": 0, "realms": {}}' >"$home/exercise-practice.json"
    if [[ " $* " == *' --monitoring '* ]]; then
        write_prometheus_configuration "$@"
    fi
    write_supervisor_configuration "$@" >"$state/supervisord.conf"
}
