"""What ./dev does to the system while it installs packages: they are installed, and nothing else,
at whatever moment it is killed."""

import os
import signal
import subprocess
from pathlib import Path

import pytest

from support.places import ROOT
from support.waiting import until

SYSTEM = (Path("/usr/sbin"), Path("/usr/bin"), Path("/etc"))

# Does what the scripts of packages do, where dpkg would look for the programs; then it waits.
APT_GET = """#!/bin/bash
[[ " $* " == *' install '* ]] || exit 0
for one; do [[ $one != DPkg::Path=* ]] || path=${one#*=}; done
PATH=$path
{ invoke-rc.d prometheus start && echo "$(command -v invoke-rc.d) $?"
  deb-systemd-invoke start prometheus.service && echo "$(command -v deb-systemd-invoke) $?"
  command -v ldconfig; } >"$SAID.new" 2>&1
mv "$SAID.new" "$SAID"
read -r <>"$FIFO"
"""


class Install:
    """`install_packages` with an apt-get that stands in for the real one."""

    def __init__(self, folder: Path) -> None:
        self.said = folder / "said"
        self.fifo = folder / "fifo"
        os.mkfifo(self.fifo)
        tools = folder / "bin"
        tools.mkdir()
        for name, text in (("apt-get", APT_GET), ("apt-cache", "#!/bin/sh\necho there\n"),
                           ("dpkg-query", "#!/bin/sh\nexit 1\n"), ("sudo", '#!/bin/sh\n"$@"\n')):
            (tools / name).write_text(text)
            (tools / name).chmod(0o755)
        script = f"""set -euo pipefail
            root={ROOT} home={folder}
            say() {{ echo "$*" >&2; }}
            fail() {{ say "$*"; exit 1; }}
            source {ROOT}/deploy/local/install.sh
            install_packages prometheus"""
        self.process = subprocess.Popen(
            ["bash", "-c", script], start_new_session=True,
            env={"PATH": f"{tools}:/usr/bin:/bin", "SAID": str(self.said), "FIFO": str(self.fifo)})
        until(self.said.exists, "packages are being installed", 30)

    def kill(self) -> None:
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(timeout=30)


def files() -> set[str]:
    return {str(folder / name) for folder in SYSTEM for name in os.listdir(folder)}


@pytest.fixture
def before() -> set[str]:
    return files()


def test_no_service_is_started_and_nothing_stays_behind(before: set[str], tmp_path: Path) -> None:
    running = Install(tmp_path)
    try:
        assert files() == before, "something was put into the system"
    finally:
        running.kill()
    own = ROOT / "deploy/local/no-services"
    invoked, started, other = running.said.read_text().splitlines()
    assert invoked == f"{own}/invoke-rc.d 0"
    assert started == f"{own}/deb-systemd-invoke 0"
    assert not other.startswith(str(own)), "all else is the system's"
    assert files() == before


def test_apt_looks_there_for_what_the_scripts_of_packages_call() -> None:
    known = subprocess.run(["apt-config", "dump", "DPkg::Path"], capture_output=True, text=True,
                           timeout=30)
    assert known.returncode == 0 and known.stdout.startswith('DPkg::Path "')
