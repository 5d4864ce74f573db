"""What an addition needs beside its code, and no compiler asks for, by name."""

import re
from collections import defaultdict
from fnmatch import fnmatch
from pathlib import Path

from support import protos
from support.places import ROOT
from unit.tidy.sources import text_of, tracked


def formats_of_sources() -> list[str]:
    """As cmake/kinds.cmake finds them: what serves several formats has a header of its own."""
    found = [Path(name).stem for name in tracked("services/trigger/sources/*.cpp")
             if not (ROOT / name).with_suffix(".hpp").is_file()]
    assert "usgs_json" in found
    return found


def services() -> list[str]:
    return [Path(name).parent.name for name in tracked("services/*/decider.cpp")]


def kinds_of_channels() -> list[str]:
    """As cmake/kinds.cmake finds them: what belongs to one kind has a `_` in its name."""
    found = [Path(name).stem for name in tracked("services/publishing/channels/*.cpp")
             if "_" not in Path(name).stem]
    assert {"feed", "webhook"} <= set(found)
    return found


def texts_of(pattern: str) -> str:
    return "\n".join(text_of(name) for name in tracked(pattern))


def test_each_kind_of_channel_has_tests_and_its_credential_is_shown() -> None:
    operating = text_of("docs/OPERATING.md")
    for kind in kinds_of_channels():
        file = f"tests/unit/publishing/{kind}_test.cpp"
        assert tracked(file), f"the channel {kind} has no {file}"
        traits = text_of(f"services/content/channels/{kind}.cpp")
        if "CredentialForm::none" not in traits:
            assert f'{{"kind": "{kind}"' in operating, (
                f"docs/OPERATING.md shows no credential of the kind {kind}")


def test_the_runbook_says_which_channels_are_sent_again() -> None:
    runbook = "monitoring/runbooks/TocsinDeliveryUnknown.md"
    for kind in kinds_of_channels():
        traits = text_of(f"services/content/channels/{kind}.cpp")
        if re.search(r"Repeats::(by_key|exact)", traits):
            assert kind in text_of(runbook).lower(), (
                f"{runbook} does not say when a message is sent to a {kind} again")


def test_each_format_of_sources_has_seeds_and_tests() -> None:
    tests = texts_of("tests/unit/trigger/*")
    for one in formats_of_sources():
        assert tracked(f"tests/fuzz/seeds/{one}/*"), f"the format {one} has no seeds of fuzzing"
        assert f'"{one.replace("_", "-")}"' in tests, f"tests/unit/trigger never reads {one}"


def test_each_command_is_in_a_unit_test_of_its_service() -> None:
    for service in services():
        ledger = text_of(f"proto/tocsin/{service}/v1/{service}_ledger.proto")
        body = re.search(r"message Command \{.*?oneof body \{(.*?)\n  \}", ledger, re.DOTALL)
        assert body, service
        commands = re.findall(r"^ +(\w+) (\w+) = \d+;", body.group(1), re.MULTILINE)
        assert commands, service
        tests = texts_of(f"tests/unit/{service}/*")
        for request, field in commands:
            assert request in tests or field in tests, (
                f"tests/unit/{service} never gives the command {request}")


def test_each_read_is_answered() -> None:
    """What no service registers is UNIMPLEMENTED, and compiles."""
    for service in services():
        file = f"services/{service}/rpc.cpp"
        made = re.search(r"Rpc::\w+Rpc\(.*?\n}\n", text_of(file), re.DOTALL)
        assert made, f"{file} has no constructor"
        for method in protos.services()[service]:
            access = protos.method_rules(service, method).access
            if protos.enum_name("tocsin.rules.v1.Access", access) == "ACCESS_CHANGE":
                continue
            function = re.sub(r"(?<!^)(?=[A-Z])", "_", method).lower()
            assert re.search(rf"\b({function}|{method}Request)\b", made.group()), (
                f"the constructor in {file} registers nothing that answers {method}")


def test_each_service_is_on_the_map_and_in_the_list_of_programs() -> None:
    for service in [*services(), "gateway"]:
        assert f"| `{service}/` |" in text_of("services/README.md"), (
            f"the map in services/README.md leaves out {service}")
        assert re.search(f"`(tocsin)?-{service}`", text_of("docs/OPERATING.md")), (
            f"the programs in docs/OPERATING.md leave out {service}")


def code_words(text: str) -> list[str]:
    return re.findall(r"`([^`]+)`", text)


def named_on_the_map() -> dict[str, list[str]]:
    """Names and patterns of files without their suffix, by folder under services/; those of every
    service by the empty one."""
    section = re.search(r"^## The map\n(.*?)^### ", text_of("services/README.md"),
                        re.DOTALL | re.MULTILINE)
    assert section
    named: dict[str, list[str]] = defaultdict(list)
    folders: list[str] = []
    for row in re.finditer(r"^\| (?P<at>`.*?) \| (?P<what>.*) \|$", section.group(1), re.MULTILINE):
        del folders[row["at"].count(".. "):]
        of_row = code_words(row["at"].replace(".. ", ""))
        if of_row[0].endswith("/"):
            folders.append(of_row[0])
        named["".join(folders)] += of_row + code_words(row["what"])
    every = re.search(r"^A service folder has ([\s\S]*?)\. ", section.group(1), re.MULTILINE)
    assert every
    named[""] += code_words(every.group(1))
    return {folder: [re.sub(r"\.(\*|[ch]pp)$", "", word).replace("<kind>", "*") for word in words]
            for folder, words in named.items()}


def test_each_file_of_the_services_is_on_the_map() -> None:
    named = named_on_the_map()
    missing = set()
    for file in tracked("services/*.cpp", "services/*.hpp"):
        path = Path(file).relative_to("services").with_suffix("")
        around = [(f"{folder}/", str(path.relative_to(folder))) for folder in path.parents[:-1]]
        if not any(fnmatch(name, pattern) for folder, name in [*around, ("", path.name)]
                   for pattern in named.get(folder, [])):
            missing.add(str(path))
    assert not missing, "the map in services/README.md leaves out " + ", ".join(sorted(missing))


def test_each_method_is_called_as_everybody_and_each_service_beside_a_long_ledger() -> None:
    """Both tests say so themselves, but need a broker for it."""
    file = "tests/e2e/permissions_world.py"
    for service, methods in protos.services().items():
        for method in methods:
            assert f'("{service}", "{method}"):' in text_of(file), (
                f"{file} has no request for {service} {method}")
    file = "tests/broker/start_beside_test.py"
    for service in services():
        assert re.search(f'^    "{service}": \\(|^LONG = "{service}"$', text_of(file),
                         re.MULTILINE), f"{file} has no change of {service}"
