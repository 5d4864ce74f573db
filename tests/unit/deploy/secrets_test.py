"""What ./dev writes is for its user only, whatever umask it was called with."""

import os
import stat
import subprocess
from pathlib import Path

import pytest

from support.places import ROOT

# Every setting has a port; nothing is started.
SCRIPT = """set -euo pipefail
umask 022
root={root} home={home} preset=release world=exercise state={home}/exercise
export TOCSIN_HOME=$home TOCSIN_KAFKA_LIB=$home/kafka/lib
say() {{ echo "$*" >&2; }}
fail() {{ say "$*"; exit 1; }}
bin() {{ echo "{bin}"; }}
source $root/deploy/local/ports.sh
source $root/deploy/local/configuration.sh
source $root/deploy/local/stack.sh
stack_running() {{ false; }}
number=17000
for name in $(port_names); do port[$name]=$((number++)); done
mkdir -p "$state"
make_secrets
write_configuration --processes --monitoring
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dev")
    tools = folder / "bin"
    tools.mkdir()
    # As `tocsin token init` and `tocsin credential put` do, with the umask that they find.
    (tools / "tocsin").write_text('#!/bin/sh\ncase $1 in\n'
                                  'token) touch "$4/issuer.key.pem" "$4/jwks.json" ;;\n'
                                  'credential) cat >"$5" ;;\nesac\n')
    (tools / "tocsin").chmod(0o755)
    script = SCRIPT.format(root=ROOT, home=folder / "home", bin=tools)
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return folder / "home" / "exercise"


def test_nobody_else_may_read_what_is_written(home: Path) -> None:
    written = [path for path in home.rglob("*") if path.is_file()]
    names = {path.relative_to(home).as_posix() for path in written}
    assert {"secrets/mac.key", "secrets/issuer.key.pem", "secrets/credentials",
            "secrets/credentials.key", "demo/secrets/webhook-calgary",
            "conf/demo-mastodon.toml", "supervisord.conf", "env"} <= names
    open_to_others = [path for path in written if stat.S_IMODE(path.stat().st_mode) & 0o077]
    assert not open_to_others


def test_what_supervisor_starts_writes_for_its_user_only(home: Path) -> None:
    lines = (home / "supervisord.conf").read_text().splitlines()
    assert "umask=077" in lines[:lines.index("[unix_http_server]")]


def test_what_was_open_is_closed_by_the_next_run(home: Path) -> None:
    key = home / "conf/demo-mastodon.toml"
    os.chmod(key, 0o644)
    script = SCRIPT.format(root=ROOT, home=home.parent, bin=home.parent.parent / "bin")
    subprocess.run(["bash", "-c", script], check=True, capture_output=True, timeout=60)
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
