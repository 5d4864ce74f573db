# shellcheck shell=bash disable=SC2154,SC2034  # variables of ./dev, names made from groups
# Sourced by ./dev: what is needed, and how it gets there. `need GROUP...` installs what is missing.

packages_build=(
    g++ cmake ninja-build ccache mold pkg-config git curl jq ca-certificates
    protobuf-compiler protobuf-compiler-grpc libprotobuf-dev libgrpc++-dev libgrpc-dev grpc-proto
    librdkafka-dev libboost1.81-dev prometheus-cpp-dev libspdlog-dev libfmt-dev libcli11-dev
    nlohmann-json3-dev libxml2-dev libxml2-utils libcurl4-openssl-dev libssl-dev libabsl-dev
    libicu-dev libmimalloc-dev libgtest-dev libgmock-dev
)
packages_run=(curl supervisor python3 python3-venv)
packages_monitoring=(prometheus)
packages_test=(jq libxml2-utils zsh fish)
packages_restate=(ca-certificates) # for npm
packages_lint=(clang-format-19 clang-tidy-19 shellcheck libxml2-utils python3)
buf_version=1.75.0
restate_server_version=1.5.3
restate_sdk_version=1.7.3 # of those that run on the Node.js of Debian 12

need() {
    local group missing=()
    for group in "$@"; do
        local -n wanted="packages_$group"
        missing+=("${wanted[@]}")
        case $group in
            run)
                java_is_new_enough || missing+=(openjdk-17-jre-headless)
                command -v mvn >/dev/null || missing+=(maven)
                ;;
            test) command -v go >/dev/null || missing+=(golang-go) ;;
            lint | restate)
                command -v npm >/dev/null || missing+=(nodejs npm)
                [[ $group != lint ]] || command -v go >/dev/null || missing+=(golang-go)
                ;;
        esac
    done
    command -v dpkg-query >/dev/null ||
        fail "this is not Debian: install the equivalents of ${missing[*]} by hand"
    mapfile -t missing < <(not_installed "${missing[@]}")
    if [[ ${#missing[@]} -gt 0 ]]; then
        install_packages "${missing[@]}"
    fi
    for group in "$@"; do
        case $group in
            run)
                python_packages
                [[ -n ${KAFKA_BOOTSTRAP_SERVERS:-} ]] || kafka_jars
                ;;
            test)
                kafka_jars # tests that kill a broker always have their own
                go_modules
                ;;
            lint) buf_package ;;
            restate) restate_packages ;;
        esac
    done
}

java_is_new_enough() {
    local version
    version=$(java -version 2>&1 | sed -n 's/.* version "\([0-9]*\).*/\1/p') || return 1
    [[ ${version:-0} -ge 17 ]]
}

# Prints the names among its arguments that dpkg does not have.
not_installed() {
    # grep and dpkg-query fail when something is absent, which is an answer here
    printf '%s\n' "$@" | sort -u | grep -vxF -f <(
        dpkg-query -W -f '${db:Status-Status} ${Package}\n' "$@" 2>/dev/null |
            sed -n 's/^installed //p'
    ) || true
}

as_root() {
    if [[ $(id -u) -eq 0 ]]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        fail "needs root, or sudo, for: $*"
    fi
}

# What another release of Debian calls a package that Debian 12 has under this name.
unversioned() {
    case $1 in
        openjdk-17-jre-headless) echo default-jre-headless ;;
        *) sed -E 's/(-)?[0-9]+(\.[0-9]+)?(-dev)?$/\3/' <<<"$1" ;;
    esac
}

install_packages() {
    local package chosen=()
    [[ -z ${TOCSIN_NO_INSTALL:-} ]] || fail "missing packages: $*"
    as_root apt-get -qq update >&2 || say "apt-get update failed; going on with the lists there are"
    for package in "$@"; do
        if [[ -z $(apt-cache madison "$package" 2>/dev/null) ]]; then
            package=$(unversioned "$package")
        fi
        chosen+=("$package")
    done
    mapfile -t chosen < <(not_installed "${chosen[@]}")
    [[ ${#chosen[@]} -gt 0 ]] || return 0
    say "installing ${chosen[*]}"
    (
        # Packages of servers (prometheus, supervisor) must not start a system service here.
        policy=/usr/sbin/policy-rc.d
        if [[ ! -e $policy ]]; then
            trap 'as_root rm -f "$policy"' EXIT
            printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
            as_root chmod 755 "$policy"
        fi
        as_root env DEBIAN_FRONTEND=noninteractive \
            apt-get -qq -y --no-install-recommends install "${chosen[@]}" >&2
    ) || fail "could not install: ${chosen[*]}"
}

# The virtual environment in .tocsin/venv, made anew when requirements.txt changes.
python_packages() {
    local file=$root/tests/support/requirements.txt wanted
    wanted="$(sha256sum <"$file") $(python3 --version)"
    if [[ -f $home/venv/made-from && $(<"$home/venv/made-from") == "$wanted" ]]; then
        return
    fi
    say "installing Python packages: $(sed -E '/^#|^$/d; s/==/ /' "$file" |
        paste -sd, | sed 's/,/, /g')"
    rm -rf "$home/venv"
    python3 -m venv "$home/venv" >&2
    "$home/venv/bin/pip" install -q --disable-pip-version-check -r "$file" >&2
    echo "$wanted" >"$home/venv/made-from"
}

kafka_jars() {
    "$root/deploy/kafka/broker.sh" install
}

# What go.sum pins, so that the tests themselves need no network. Any Go from 1.19 on builds it.
go_modules() {
    (cd "$root/tests/linearizability" && go mod download) ||
        fail "the Go modules of tests/linearizability could not be fetched"
}

buf_package() {
    npm_packages "$home/npm" "@bufbuild/buf@$buf_version"
}

# The peer of `./dev bench command.restate`.
restate_packages() {
    npm_packages "$home/tools/restate" \
        "@restatedev/restate-server-linux-x64@$restate_server_version" \
        "@restatedev/restate-sdk@$restate_sdk_version"
}

# npm_packages FOLDER PACKAGE@VERSION...: in FOLDER/node_modules, anew when a version changes.
npm_packages() {
    local folder=$1 stamp=$1/version
    shift
    if [[ -f $stamp && $(<"$stamp") == "$*" ]]; then
        return
    fi
    say "installing $* from npm"
    mkdir -p "$folder"
    npm install --prefix "$folder" --no-save --no-audit --no-fund --loglevel error "$@" >&2
    echo "$*" >"$stamp"
}
