# shellcheck shell=bash disable=SC2154,SC2034  # variables of ./dev, names made from groups
# Sourced by ./dev: what is needed, and how it gets there. `need GROUP...` installs what is missing.

packages_build=(
    g++ cmake ninja-build ccache mold pkg-config git curl jq ca-certificates
    protobuf-compiler protobuf-compiler-grpc libprotobuf-dev libgrpc++-dev libgrpc-dev grpc-proto
    librdkafka-dev libboost1.81-dev prometheus-cpp-dev libspdlog-dev libfmt-dev libcli11-dev
    nlohmann-json3-dev libxml2-dev libxml2-utils libxmlsec1-dev libcurl4-openssl-dev libssl-dev
    libabsl-dev libicu-dev libsodium-dev libmimalloc-dev libgtest-dev libgmock-dev
    librapidcheck-dev
)
packages_run=(curl openssl supervisor python3 python3-venv)
packages_monitoring=(prometheus)
packages_test=(jq jing libxml2-utils xmlsec1 zsh fish)
packages_fuzz=(clang-19 libclang-rt-19-dev)
packages_restate=(ca-certificates jq) # for npm
packages_apprise=(python3 python3-venv)
packages_alertmanager=(prometheus-alertmanager)
packages_nginx=(nginx)
packages_lint=(clang-format-19 clang-tidy-19 shellcheck libxml2-utils python3 jq)

# One at a time: tests and lint may run beside each other.
need() {
    (
        flock 8
        install_what_is_missing "$@"
    ) 8>"$home/install.lock"
}

install_what_is_missing() {
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
        fail "this is not Debian: install the equivalents of these by hand: ${missing[*]}"
    mapfile -t missing < <(not_installed "${missing[@]}")
    if [[ ${#missing[@]} -gt 0 ]]; then
        install_packages "${missing[@]}"
    fi
    for group in "$@"; do
        case $group in
            run)
                python_packages tests/support/requirements.lock "$home/venv"
                [[ -n ${KAFKA_BOOTSTRAP_SERVERS:-} ]] || kafka_jars
                ;;
            test)
                kafka_jars # tests that kill a broker always have their own
                go_modules
                ;;
            lint) buf_package ;;
            restate) restate_packages ;;
            # The peer of `./dev bench fire.1000.apprise`.
            apprise) python_packages tests/bench/apprise/requirements.lock "$home/tools/apprise" ;;
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
        fail "this needs root or sudo: $*"
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
    [[ -z ${TOCSIN_NO_INSTALL:-} ]] || fail "install these packages: $*"
    as_root apt-get -qq update >&2 || say "apt-get update failed; using the old package lists"
    for package in "$@"; do
        if [[ -z $(apt-cache madison "$package" 2>/dev/null) ]]; then
            package=$(unversioned "$package")
        fi
        chosen+=("$package")
    done
    mapfile -t chosen < <(not_installed "${chosen[@]}")
    [[ ${#chosen[@]} -gt 0 ]] || return 0
    say "installing ${chosen[*]}"
    # Packages of servers (prometheus, supervisor) must not start a system service here. Debian's
    # way to prevent it is a file in /usr/sbin, which would stay there, and keep services from
    # starting, if this script were killed. So the programs that start services are replaced in
    # dpkg's search path only, and the system is not touched.
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends \
        -o "DPkg::Path=$root/deploy/local/no-services:/usr/sbin:/usr/bin:/sbin:/bin" \
        install "${chosen[@]}" >&2 || fail "could not install: ${chosen[*]}"
}

# Every other download is pinned by hash in the repository (Debian signs its own packages), and
# refused if it does not match.
refused_download() {
    fail "$1: a download failed, or does not match its hash (see above). Try again. If it" \
        "happens again, something on the way changes files: do not use them. After you change" \
        "a version, write the hashes anew: $2"
}

# python_packages LOCK FOLDER: a virtual environment with what the lock file names, made anew when
# that changes.
python_packages() {
    local file=$root/$1 folder=$2 wanted
    wanted="$(sha256sum <"$file") $(python3 --version)"
    if [[ -f $folder/made-from && $(<"$folder/made-from") == "$wanted" ]]; then
        return
    fi
    say "installing Python packages: $(sed -E '/^#|^$/d; s/==/ /' "${file%.lock}.txt" |
        paste -sd, | sed 's/,/, /g')"
    rm -rf "$folder"
    python3 -m venv "$folder" >&2
    # Wheels only: what builds a package would be fetched without a hash.
    "$folder/bin/pip" install -q --disable-pip-version-check --no-deps --require-hashes \
        --only-binary :all: -r "$file" >&2 ||
        refused_download "$1" "its first lines say how"
    echo "$wanted" >"$folder/made-from"
}

kafka_jars() {
    "$root/deploy/kafka/broker.sh" install
}

# What go.sum pins, so that the tests themselves need no network. Any Go from 1.19 on builds it.
go_modules() {
    (cd "$root/tests/linearizability" && go mod download) ||
        refused_download tests/linearizability/go.sum "go mod tidy"
}

buf_package() {
    npm_packages lint "$home/npm"
}

# The peer of `./dev bench command.restate`; versions that run on the Node.js of Debian 12.
restate_packages() {
    npm_packages restate "$home/tools/restate"
}

# npm_packages NAME FOLDER: what deploy/npm/NAME asks for, in FOLDER/node_modules, anew when its
# lock file changes. No package runs a program of its own while it is installed.
npm_packages() {
    local source=$root/deploy/npm/$1 folder=$2 wanted
    wanted=$(sha256sum <"$source/package-lock.json")
    if [[ -f $folder/version && $(<"$folder/version") == "$wanted" ]]; then
        return
    fi
    say "installing from npm: $(jq -r '.dependencies | to_entries | map(.key + " " + .value) |
        join(", ")' "$source/package.json")"
    mkdir -p "$folder"
    cp "$source/package.json" "$source/package-lock.json" "$folder/"
    npm ci --prefix "$folder" --ignore-scripts --no-audit --no-fund --loglevel error >&2 ||
        refused_download "deploy/npm/$1/package-lock.json" \
            "npm install --package-lock-only --omit-lockfile-registry-resolved"
    echo "$wanted" >"$folder/version"
}
