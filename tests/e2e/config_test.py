"""How programs start: settings, refusals, and a Kafka that is away or does not fit."""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from support.broker import Broker
from support.ledger import commands_topic, ledger_topic
from support.ports import free_port
from support.programs import SERVICES, Program, Secrets, run, service_flags
from support.raw import Raw
from support.waiting import until

PROGRAMS = (*(f"tocsin-{name}" for name in SERVICES), "tocsin-gateway", "tocsin-all")


def lines_of(text: str) -> list[dict[str, object]]:
    """What a program said; every line of it is one JSON object, whatever went wrong."""
    lines = [json.loads(line) for line in text.splitlines()]
    for line in lines:
        assert {"ts", "level", "msg", "service"} <= line.keys(), line
    return lines


def refusal(program: str, arguments: Sequence[str], extra: Mapping[str, str] | None = None) -> str:
    """Why it refuses its settings."""
    ended = run(program, *arguments, environment=extra)
    assert ended.returncode == 2 and not ended.stdout, ended
    (line,) = lines_of(ended.stderr)
    assert line["level"] == "error" and line["msg"] == "settings refused"
    return str(line["why"])


@pytest.mark.parametrize("program", [*PROGRAMS, "tocsin"])
def test_every_program_tells_its_version_and_its_settings(program: str) -> None:
    version = run(program, "--version")
    assert version.returncode == 0 and version.stdout.startswith(f"{program} "), version
    described = run(program, "--help")
    assert described.returncode == 0 and not described.stderr
    wanted = ["Exit codes"] if program == "tocsin" else ["--world", "default live", "TOCSIN_WORLD"]
    for part in wanted:
        assert part in described.stdout, described.stdout


@pytest.mark.parametrize("program", ["tocsin-all", "tocsin-gateway"])
def test_bad_settings_are_refused_by_name(program: str, tmp_path: Path) -> None:
    assert "did you mean log-level" in refusal(program, ["--log-levle", "info"])
    assert "drain-ms-max" in refusal(program, ["--drain-ms-max", "5"])
    assert "drain-ms-max" in refusal(program, [], {"TOCSIN_DRAIN_MS_MAX": "soon"})
    assert refusal(program, ["--world", "test"]).startswith("world:")
    file = tmp_path / "settings"
    file.write_text("world=live\nintsance=a\n")
    assert "line 2" in (why := refusal(program, ["--config", str(file)])) and "intsance" in why
    assert refusal(program, ["--tls-cert", "x"]).startswith("tls-cert, tls-key")
    assert "ES256,EdDSA,RS256,PS256" in refusal(program, ["--jwt-algorithms", "RS256,HS256"])


def test_flags_win_over_the_environment_and_that_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "settings"
    file.write_text("world=file\n")
    arguments = ["--config", str(file)]
    assert refusal("tocsin-all", arguments).startswith("world:")
    # Once the world is right, the next thing that is missing is named.
    assert refusal("tocsin-all", arguments, {"TOCSIN_WORLD": "live"}).startswith("jwks:")
    right = [*arguments, "--world", "live"]
    assert refusal("tocsin-all", right, {"TOCSIN_WORLD": "environment"}).startswith("jwks:")


def test_secrets_that_cannot_be_used_end_the_start(keys: Secrets, tmp_path: Path) -> None:
    flags = {**service_flags("127.0.0.1:1", keys), "grpc-listen": "127.0.0.1:0"}
    broken = tmp_path / "broken"
    broken.write_text("not a key")
    for flag in ("mac-key-file", "jwks", "kafka-properties"):
        arguments = [f"--{name}={value}" for name, value in {**flags, flag: broken}.items()]
        ended = run("tocsin-measurement", *arguments)
        assert ended.returncode == 1
        last = lines_of(ended.stderr)[-1]
        assert last["msg"] == "cannot run" and flag in str(last["why"]), last


def test_the_exercise_needs_to_know_the_live_hosts(keys: Secrets, tmp_path: Path) -> None:
    def said(**flags: str) -> str:
        settings = service_flags("127.0.0.1:1", keys, **flags)
        return refusal("tocsin-publishing", [f"--{name}={value}"
                                             for name, value in settings.items()])

    hosts = str(tmp_path / "hosts.json")
    assert said(world="exercise").startswith("live-hosts-file: is required")
    assert said(live_hosts_file=hosts).startswith("live-hosts-file: is for the exercise")
    assert said(world="exercise", live_hosts_file=hosts, publishing_hosts_file=hosts).startswith(
        "publishing-hosts-file: is for the live world")


def production(keys: Secrets, folder: Path) -> dict[str, str]:
    """Settings that --production takes; the files need not be good ones for that."""
    folder.mkdir(exist_ok=True)
    for name, text in (("mac.key", keys.mac_key_file.read_text()), ("key.pem", ""),
                       ("jwks.json", keys.jwks.read_text()), ("cert.pem", ""), ("ca.pem", "")):
        (folder / name).write_text(text)
        (folder / name).chmod(0o600)
    path = {name: str(folder / name) for name in os.listdir(folder)}
    return {"production": "true", "jwt-issuer": "https://id.example.org", "jwks": path["jwks.json"],
            "mac-key-file": path["mac.key"], "tls-cert": path["cert.pem"],
            "tls-key": path["key.pem"], "tls-client-ca": path["ca.pem"], "tls-ca": path["ca.pem"],
            "grpc-listen": "0.0.0.0:0"}


def production_refusal(flags: Mapping[str, str], **changed: str) -> str:
    merged = {**flags, **{name.replace("_", "-"): value for name, value in changed.items()}}
    return refusal("tocsin-all", [f"--{name}={value}" for name, value in merged.items() if value])


def test_production_refuses_what_is_for_development(keys: Secrets, tmp_path: Path) -> None:
    flags = production(keys, tmp_path / "own")
    said = production_refusal(flags, jwt_issuer="tocsin-dev")
    assert said.startswith("jwt-issuer") and "--production" in said
    assert production_refusal(flags, jwks="http://id.example.org/keys").startswith("jwks")
    assert production_refusal(flags, kafka_allow_unsafe="true").startswith("kafka-allow-unsafe")
    zeros = tmp_path / "zeros.key"
    zeros.write_text("0" * 64)
    zeros.chmod(0o600)
    assert production_refusal(flags, mac_key_file=str(zeros)).startswith("mac-key-file")
    Path(flags["mac-key-file"]).chmod(0o644)
    assert production_refusal(flags).startswith("mac-key-file")
    Path(flags["mac-key-file"]).chmod(0o600)
    made = tmp_path / "made"
    made.mkdir(mode=0o700)
    for name in ("publishing-credentials-file", "publishing-credentials-key-file"):
        file = made / name
        file.touch(mode=0o600)
        (made / "DEVELOPMENT").touch()
        assert production_refusal(flags, **{name.replace("-", "_"): str(file)}).startswith(name)
        (made / "DEVELOPMENT").unlink()
        file.chmod(0o604)
        assert production_refusal(flags, **{name.replace("-", "_"): str(file)}).startswith(name)
    (tmp_path / "own" / "DEVELOPMENT").touch()
    assert "./dev" in production_refusal(flags)


def test_production_refuses_what_others_can_read_or_forge(keys: Secrets, tmp_path: Path) -> None:
    flags = production(keys, tmp_path / "own")
    away = "127.0.0.1:9092,kafka.example.org:9092"
    assert production_refusal(flags, kafka_bootstrap=away).startswith("kafka-properties: security")
    properties = tmp_path / "kafka.properties"
    properties.write_text("security.protocol=SASL_SSL\nsasl.password=x\n")
    properties.chmod(0o644)
    assert "set its mode to 0600" in production_refusal(
        flags, kafka_bootstrap=away, kafka_properties=str(properties))
    assert production_refusal(flags, jwks="http://127.evil.example/jwks").startswith("jwks")
    Path(flags["jwks"]).chmod(0o666)
    assert production_refusal(flags).startswith("jwks")
    Path(flags["jwks"]).chmod(0o644)
    for switch in ("publishing-allow-private-addresses", "trigger-allow-private-addresses"):
        said = production_refusal(flags, **{switch.replace("-", "_"): "true"})
        assert said.startswith(switch) and "--production" in said
    for base in ("http://feeds.example.org", "http://127.0.0.1.example.org",
                 "http://127.0.0.1@feeds.example.org"):
        said = production_refusal(flags, publishing_feed_base_url=base)
        assert said.startswith("publishing-feed-base-url") and "--production" in said


def test_production_refuses_plain_text_listeners(keys: Secrets, tmp_path: Path) -> None:
    flags = production(keys, tmp_path / "own")
    said = production_refusal(flags, tls_cert="", tls_key="", tls_client_ca="")
    assert said.startswith("tls-cert")
    assert production_refusal(flags, tls_client_ca="").startswith("tls-client-ca")
    assert production_refusal(flags, metrics_listen="0.0.0.0:0").startswith("metrics-listen")
    assert production_refusal(flags, gateway_listen="0.0.0.0:0").startswith("gateway-tls-cert")
    assert production_refusal(flags, tls_ca="").startswith("tls-ca")
    gateway = ["--production", "--gateway-listen=127.0.0.1:0"]
    assert refusal("tocsin-gateway", gateway).startswith("jwt-issuer")
    gateway += [f"--{name}={flags[name]}" for name in ("jwt-issuer", "jwks")]
    assert refusal("tocsin-gateway", gateway).startswith("tls-ca")
    trusting = [*gateway, f"--tls-ca={flags['tls-ca']}"]
    assert refusal("tocsin-gateway", [*trusting, "--metrics-listen=0.0.0.0:0"]).startswith(
        "metrics-listen")
    assert refusal("tocsin-gateway", [*trusting, "--gateway-listen=0.0.0.0:0"])


def test_without_kafka_a_service_waits_and_says_so(keys: Secrets, tmp_path: Path) -> None:
    flags = service_flags(f"127.0.0.1:{free_port()}", keys, partitions=1)
    waiting = Program("tocsin-measurement", tmp_path, flags)
    waiting.spawn()
    waiting.wait_listening()
    until(lambda: "waiting for kafka" in waiting.said(), "it says that it waits")
    assert waiting.health("measurement") == "NOT_SERVING"
    assert waiting.health() == "NOT_SERVING"
    assert waiting.terminate() == 0
    assert lines_of(waiting.said())[-1]["msg"] == "stopped"


def test_a_topic_that_does_not_fit_is_named_with_what_to_do(
        broker: Broker, keys: Secrets, tmp_path: Path) -> None:
    flags = service_flags(broker.bootstrap, keys, partitions=2)
    raw = Raw(broker.bootstrap)

    def cannot_run() -> str:
        program = Program("tocsin-measurement", tmp_path, flags)
        why = program.cannot_run()
        lines_of(program.said())
        return why

    name = commands_topic("measurement")
    good = {"cleanup.policy": "delete", "message.timestamp.type": "LogAppendTime",
            "unclean.leader.election.enable": "false", "flush.messages": "1",
            "max.message.bytes": "1048588"}
    raw.make_topic(name, 2, **{**good, "retention.ms": "3600000"})
    said = cannot_run()
    for part in (name, "retention.ms is 3600000 and must be 604800000", "kafka-configs.sh",
                 "--kafka-allow-unsafe"):
        assert part in said, said
    # What keeps more than is asked for is as good.
    raw.configure(name, retention_ms="-1", unclean_leader_election_enable="true")
    assert "unclean.leader.election.enable is true and must be false" in cannot_run()
    unsafe = Program("tocsin-measurement", tmp_path, {**flags, "kafka-allow-unsafe": True}).start()
    assert "going on because kafka-allow-unsafe is set" in unsafe.said()
    assert unsafe.terminate() == 0
    raw.configure(name, unclean_leader_election_enable="false")
    # No word of an operator makes up for partitions that are not there. More than are used harm
    # nobody: how many those are, the ledger says.
    name = f"exercise.{ledger_topic('drafting')}"
    raw.make_topic(name, 1)
    flags |= {"kafka-allow-unsafe": True, "world": "exercise"}
    assert f"`{name}`: it has 1 partitions and must have 2" in cannot_run()
