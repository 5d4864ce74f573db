"""What ./dev fetches is what was pinned, and anything else is refused with the file and the remedy.
Nothing here needs a network: the packages are made up, and so is Maven."""

import base64
import hashlib
import json
import re
import shutil
import subprocess
import tarfile
import zipfile
from pathlib import Path

import pytest

from support.places import ROOT

PYTHON_PACKAGES = "python_packages tests/support/requirements.lock $home/venv"
WRONG = "0" * 64


def install(root: Path, function: str) -> subprocess.CompletedProcess[str]:
    """A function of install.sh, for a tree and a .tocsin of its own."""
    script = f"""set -euo pipefail
        root={root} home={root}/home
        export TOCSIN_HOME=$home TOCSIN_KAFKA_LIB=$home/kafka/lib
        say() {{ echo "$*" >&2; }}
        fail() {{ say "$*"; exit 1; }}
        source {ROOT}/deploy/local/install.sh
        {function}"""
    return subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=120)


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def names(path: Path) -> dict[str, str]:
    return dict(re.findall(r"^([\w.-]+)==(\S+)", path.read_text(), re.MULTILINE))


@pytest.mark.parametrize("folder", ["tests/support", "tests/bench/apprise"])
def test_the_lock_file_has_all_that_is_asked_for_and_a_hash_for_each(folder: str) -> None:
    lock = ROOT / folder / "requirements.lock"
    asked, locked = names(lock.with_suffix(".txt")), names(lock)
    assert asked.items() <= locked.items()
    entries = re.split(r"^(?=[\w.-]+==)", lock.read_text(), flags=re.MULTILINE)[1:]
    assert len(entries) == len(locked)
    assert not [one for one in entries if "--hash=sha256:" not in one]


@pytest.mark.parametrize("name", ["lint", "restate"])
def test_every_npm_package_has_its_hash(name: str) -> None:
    folder = ROOT / "deploy/npm" / name
    asked = json.loads((folder / "package.json").read_text())["dependencies"]
    packages = json.loads((folder / "package-lock.json").read_text())["packages"]
    assert packages.pop("")["dependencies"] == asked
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in asked.values())
    assert not [path for path, one in packages.items()
                if not one["integrity"].startswith("sha512-")]


def wheel(folder: Path) -> Path:
    path = folder / "gauge-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("gauge.py", "")
        file.writestr("gauge-1.0.dist-info/METADATA",
                      "Metadata-Version: 2.1\nName: gauge\nVersion: 1.0\n")
        file.writestr("gauge-1.0.dist-info/WHEEL",
                      "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        file.writestr("gauge-1.0.dist-info/RECORD", "")
    return path


def test_a_python_package_of_another_hash_is_refused(tmp_path: Path) -> None:
    package = wheel(tmp_path)
    lock = tmp_path / "tests/support/requirements.lock"
    lock.parent.mkdir(parents=True)
    lock.with_suffix(".txt").write_text("gauge==1.0\n")
    lock.write_text(f"gauge @ file://{package} --hash=sha256:{WRONG}\n")
    refused = install(tmp_path, PYTHON_PACKAGES)
    assert refused.returncode == 1
    assert "tests/support/requirements.lock" in refused.stderr
    assert "write the hashes anew" in refused.stderr
    assert not (tmp_path / "home/venv/made-from").exists()
    lock.write_text(f"gauge @ file://{package} --hash=sha256:{sha256(package)}\n")
    taken = install(tmp_path, PYTHON_PACKAGES)
    assert taken.returncode == 0, taken.stderr


def npm_tree(root: Path) -> tuple[Path, Path]:
    """A lock file for one package, which lies beside it."""
    inside = root / "package"
    inside.mkdir()
    (inside / "package.json").write_text(json.dumps({
        "name": "gauge", "version": "1.0.0", "scripts": {"postinstall": f"touch {root}/ran"}}))
    package = root / "gauge-1.0.0.tgz"
    with tarfile.open(package, "w:gz") as file:
        file.add(inside, "package")
    folder = root / "deploy/npm/lint"
    folder.mkdir(parents=True)
    asked = {"gauge": f"file:{package}"}
    (folder / "package.json").write_text(json.dumps({"name": "x", "dependencies": asked}))
    return folder / "package-lock.json", package


def lock_npm(lock: Path, package: Path, integrity: bytes) -> None:
    asked = {"gauge": f"file:{package}"}
    lock.write_text(json.dumps({"name": "x", "lockfileVersion": 3, "requires": True, "packages": {
        "": {"name": "x", "dependencies": asked},
        "node_modules/gauge": {
            "version": "1.0.0", "resolved": f"file:{package}", "hasInstallScript": True,
            "integrity": "sha512-" + base64.b64encode(integrity).decode()}}}))


@pytest.mark.skipif(shutil.which("npm") is None, reason="npm is for lint only")
def test_an_npm_package_of_another_hash_is_refused(tmp_path: Path) -> None:
    lock, package = npm_tree(tmp_path)
    lock_npm(lock, package, bytes(64))
    refused = install(tmp_path, "buf_package")
    assert refused.returncode == 1
    assert "deploy/npm/lint/package-lock.json" in refused.stderr
    assert "write the hashes anew" in refused.stderr
    assert not (tmp_path / "home/npm/version").exists()
    lock_npm(lock, package, hashlib.sha512(package.read_bytes()).digest())
    taken = install(tmp_path, "buf_package")
    assert taken.returncode == 0, taken.stderr
    assert (tmp_path / "home/npm/node_modules/gauge/package.json").exists()
    assert not (tmp_path / "ran").exists(), "a package ran a program"


class Jars:
    """broker.sh with a Maven that brings the files of a folder, and hashes for them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.lib = root / "lib"
        self.store = root / "store"
        self.store.mkdir()
        for name in ("kafka_2.13.jar", "log4j.jar"):
            (self.store / name).write_text(name)
        here = root / "kafka"
        shutil.copytree(ROOT / "deploy/kafka", here)
        self.script = here / "broker.sh"
        self.sums = here / "jars.sha256"
        self.sums.write_text("".join(f"{sha256(path)}  {path.name}\n"
                                     for path in sorted(self.store.iterdir())))
        maven = root / "bin/mvn"
        maven.parent.mkdir()
        maven.write_text("#!/bin/bash\nfor one; do case $one in -DoutputDirectory=*) "
                         f"cp {self.store}/* \"${{one#*=}}\" ;; esac; done\n")
        maven.chmod(0o755)

    def run(self, verb: str) -> subprocess.CompletedProcess[str]:
        path = f"{self.root}/bin:/usr/bin:/bin"
        return subprocess.run([self.script, verb], capture_output=True, text=True, timeout=60,
                              env={"PATH": path, "TOCSIN_KAFKA_LIB": str(self.lib)})


@pytest.fixture
def jars(tmp_path: Path) -> Jars:
    return Jars(tmp_path)


def test_jars_of_the_pinned_hashes_are_taken(jars: Jars) -> None:
    taken = jars.run("install")
    assert taken.returncode == 0, taken.stderr
    assert (jars.lib / "log4j.jar").exists()


@pytest.mark.parametrize("name", ["log4j.jar", "another.jar"])
def test_jars_that_were_not_pinned_are_refused(jars: Jars, name: str) -> None:
    (jars.store / name).write_text("something else")
    refused = jars.run("install")
    assert refused.returncode == 1
    assert "deploy/kafka/jars.sha256" in refused.stderr and f"{name}: " in refused.stderr
    assert "broker.sh sums" in refused.stderr
    assert not jars.lib.exists()
    assert not [path for path in jars.root.iterdir() if path.name.startswith("lib.")]


def test_a_jar_that_is_missing_is_named(jars: Jars) -> None:
    (jars.store / "log4j.jar").unlink()
    refused = jars.run("install")
    assert refused.returncode == 1 and "log4j.jar" in refused.stderr


def test_sums_are_written_anew_after_a_change(jars: Jars) -> None:
    (jars.store / "log4j.jar").write_text("a newer one")
    assert jars.run("sums").returncode == 0
    assert sha256(jars.store / "log4j.jar") + "  log4j.jar\n" in jars.sums.read_text()
    assert jars.run("install").returncode == 0


def test_what_is_there_is_fetched_again_when_a_hash_changes(jars: Jars) -> None:
    assert jars.run("install").returncode == 0
    jars.sums.write_text(jars.sums.read_text().replace(
        sha256(jars.store / "log4j.jar"), WRONG))
    assert jars.run("install").returncode == 1
