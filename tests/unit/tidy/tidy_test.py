"""What CONTRIBUTING.md asks for and a program can check. Each finding names file and line."""

import json
import re
import subprocess
from pathlib import Path

from support.places import BIN, ROOT
from unit.tidy.sources import (Function, code_of, cpp_functions, line_at, python_functions,
                               shell_functions, text_of, tracked)

CPP = ("services/*.cpp", "services/*.hpp", "tests/*.cpp", "tests/*.hpp")
SERVICES = ("services/*.cpp", "services/*.hpp")
COLUMNS_MAX = 100
FUNCTION_LINES_MAX = 70
# Of a decider: so many, and so many more for each command and event that it hands out.
DECIDER_LINES_MAX = 65
CASE_LINES_MAX = 3

# Where purity begins: all that a decider is made of, the domain, and the core of the protocol,
# which the simulator drives.
PURE_ROOTS = ("services/content/*", "services/*/decider.?pp",
              "services/runtime/ledger/partition*.?pp")
# Of the runtime, purity reaches the core's own folder, but for two files of which the core takes
# pure functions: `view` has metrics too, and `world_key` reads the file of keys at start.
PURE_CORE = re.compile(r"services/runtime/ledger/(?!(view|world_key)\.)")
# What a decider may know of the runtime; none may end the process.
PURE_RUNTIME = re.compile(
    r"runtime/(base/(?!invariant\b)\w+|ledger/(decider|refusals|topics))\.hpp")
IMPURE = re.compile(
    r"_clock::now|\bstd::time\(|\bgettimeofday|\bclock_gettime|\brandom_device|\bmt19937|\brand\("
    r"|\bgetrandom|\bgetenv|\bnew_uuid_v7|\bRAND_|std::(thread|jthread|async|this_thread|cout|cerr)"
    r"|#include [<\"](librdkafka|grpc|curl|spdlog|prometheus|boost/asio|fstream|iostream|thread"
    r"|random|runtime/(kafka|http|edge|process|host/(logs|metrics))\b)")

# What each folder of the runtime may include beside itself. The files above them, which make a
# process of it, may include all.
RUNTIME_MAY_INCLUDE: dict[str, set[str]] = {
    "base": set(),
    "host": {"base"},
    "http": {"base", "host"},
    "ledger": {"base", "host"},
    "kafka": {"base", "host", "ledger"},
    "edge": {"base", "host", "ledger"},
}

# Calls of a program, or of the whole stack, that no person makes.
RPC_WITHOUT_VERB: dict[str, str] = {
    "GetFeed": "public, read over HTTP from the gateway",
    "GetAlert": "public, read over HTTP from the gateway",
}

# What includes the folder of a service, and is no part of it.
MAY_INCLUDE_SERVICE: dict[str, str] = {
    "services/cli/credential_verbs.cpp": "a credential is checked by what will use it",
}

# Switches over what is no enum of ours.
MAY_DEFAULT: dict[str, str] = {
    "services/runtime/http/http.cpp": "libcurl's codes, of which each release may have more",
    "services/gateway/strict_json.cpp": "any character, by which a JSON value begins",
}


def none(found: list[str]) -> None:
    assert not found, "\n".join(["", *found])


def places(pattern: re.Pattern[str], names: tuple[str, ...], strings: bool = True) -> list[str]:
    return [f"{name}:{line_at(code_of(name, strings), hit.start())}: {hit.group().strip()}"
            for name in names for hit in pattern.finditer(code_of(name, strings))]


def includes_of(name: str) -> list[str]:
    return re.findall(r'^#include "([\w/]+\.hpp)"', text_of(name), re.MULTILINE)


def pure_files() -> tuple[str, ...]:
    """All that the roots reach: what they include, and each .cpp whose first include, the header
    that it implements, is among that."""
    implementing: dict[str, list[str]] = {}
    for name in tracked("services/*.cpp"):
        # Those of a table have no header of their own, and begin with another's.
        if name.startswith("services/publishing/channels/"):
            continue
        if first := includes_of(name)[:1]:
            implementing.setdefault(f"services/{first[0]}", []).append(name)
    found: set[str] = set()
    waiting = [name for name in tracked(*PURE_ROOTS) if name.endswith((".cpp", ".hpp"))]
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found.add(name)
        reached = [f"services/{one}" for one in includes_of(name)] + implementing.get(name, [])
        waiting += [one for one in reached
                    if (not one.startswith("services/runtime/") or PURE_CORE.match(one))
                    and (ROOT / one).is_file()]
    return tuple(sorted(found))


def test_deciders_and_content_touch_nothing_outside() -> None:
    pure = pure_files()
    none(places(IMPURE, pure))
    none([f"{name}: {one}" for name in pure if not name.startswith("services/runtime/")
          for one in includes_of(name)
          if one.startswith("runtime/") and not PURE_RUNTIME.fullmatch(one)])


def test_purity_reaches_what_deciders_are_made_of() -> None:
    for name in tracked("services/*/decider.cpp"):
        folder = Path(name).parent
        assert len([one for one in pure_files() if Path(one).parent == folder]) >= 4, name
    assert {f"services/runtime/ledger/{one}.cpp"
            for one in ("chain", "fold", "forgotten", "record")} <= set(pure_files())


def test_subjects_take_slices_and_never_the_whole_state() -> None:
    none([f"{name}: {one}" for name in pure_files() if Path(name).stem != "decider"
          for one in includes_of(name)
          if re.fullmatch(r"(?!runtime/)\w+/decider\.hpp", one)])


def test_a_decider_composes_and_does_no_more() -> None:
    found = []
    for name in tracked("services/*/decider.cpp"):
        lines = text_of(name).count("\n")
        most = DECIDER_LINES_MAX + CASE_LINES_MAX * code_of(name).count(" case ")
        if lines > most:
            found.append(f"{name}: {lines} lines, at most {most}: move rules to their subjects")
    none(found)


def test_only_runtime_kafka_knows_librdkafka() -> None:
    others = tuple(name for name in tracked(*SERVICES)
                   if not name.startswith("services/runtime/kafka/"))
    none(places(re.compile(r"#include [<\"]librdkafka|\brd_kafka_\w+|\bRdKafka\b"), others))


def test_a_service_includes_its_own_folder_runtime_and_content_only() -> None:
    found = []
    for name in tracked(*SERVICES):
        own = name.split("/")[1]
        if own == "all":
            continue
        for hit in re.finditer(r'^#include "(\w+)/[\w/]+\.hpp"', text_of(name), re.MULTILINE):
            if hit.group(1) == "texts":
                continue
            pure_only = own in ("texts", "content", "runtime")
            wanted = {own, "content", "runtime"}
            # Times and their conversion are plain values.
            if pure_only and hit.group(1) != own and "runtime/base/time.hpp" not in hit.group():
                found.append(f"{name}: {hit.group()}")
            elif hit.group(1) not in wanted and name not in MAY_INCLUDE_SERVICE:
                found.append(f"{name}: {hit.group()}")
    none(found)


def test_nothing_in_the_runtime_includes_upwards() -> None:
    found = []
    for name in tracked("services/runtime/*/*"):
        folder = name.split("/")[2]
        for hit in re.finditer(r'^#include "runtime/(\w+)[/.][^"]*"', text_of(name), re.MULTILINE):
            if hit.group(1) not in RUNTIME_MAY_INCLUDE[folder] | {folder}:
                found.append(f"{name}: {hit.group()}")
    none(found)


def test_a_kind_of_channel_is_known_by_its_traits_only() -> None:
    kinds = [Path(name).stem for name in tracked("services/publishing/channels/*.cpp")
             if "_" not in Path(name).stem]
    assert "feed" in kinds
    compared = re.compile(rf'[!=]= *"({"|".join(kinds)})"|"({"|".join(kinds)})" *[!=]=')
    others = tuple(name for name in tracked(*SERVICES) if "/channels/" not in name)
    none(places(compared, others))


def test_the_demo_reads_each_format_of_sources() -> None:
    formats = {Path(name).stem.replace("_", "-")
               for name in tracked("services/trigger/sources/*.cpp")
               if not (ROOT / name).with_suffix(".hpp").is_file()}
    file = "deploy/demo/gauge_file.py"
    read = set(re.findall(r'^    format = "([\w-]+)"$', text_of(file), re.MULTILINE))
    assert read == formats, f"{file} needs one class for each: {sorted(read ^ formats)}"


def test_lines_have_at_most_100_columns() -> None:
    files = tracked(*CPP, "*.py", "*.sh", "dev", ".ci/run", "CMakeLists.txt", "*/CMakeLists.txt",
                    "*.cmake", ":!third_party")
    none([f"{name}:{number}: {len(line)} columns" for name in files
                for number, line in enumerate(text_of(name).splitlines(), 1)
                if len(line) > COLUMNS_MAX])


def functions() -> list[Function]:
    return ([one for name in tracked(*CPP) for one in cpp_functions(name)]
            + [one for name in tracked("*.py") for one in python_functions(name)]
            + [one for name in tracked("*.sh", "dev") for one in shell_functions(name)])


def test_functions_have_at_most_70_lines() -> None:
    all_of_them = functions()
    # The heuristic sees functions at all: one of each kind that is surely there.
    assert {"json_fault", "tracked", "run_tests"} <= {one.name for one in all_of_them}
    none([f"{one.file}:{one.line}: {one.name} has {one.lines} lines" for one in all_of_them
                if one.lines > FUNCTION_LINES_MAX])


def test_nothing_is_left_for_later() -> None:
    later = re.compile(r"\b(FIX" r"ME|TO" r"DO|XX" r"X|HA" r"CK)\b")
    files = tracked(*CPP, "*.proto", "*.py", "*.sh", "dev", "*.md", "*.txt", "*.cmake", "*.yaml",
                    "*.yml", ":!third_party")
    none([f"{name}:{number}: {line.strip()}" for name in files
                for number, line in enumerate(text_of(name).splitlines(), 1) if later.search(line)])


def test_topics_are_named_in_the_registry_only() -> None:
    topic = re.compile(r'"[^"\n]*(\btocsin\.[\w{}-]+(\.[\w{}-]+)?\.v\d|\.(commands|ledger|readings'
                       r'|events|dead-letters)\.v\d)"')
    registry = "services/runtime/ledger/topics.cpp"
    others = tuple(name for name in tracked(*SERVICES) if name != registry)
    assert places(topic, (registry,)), "the registry itself is not seen"
    none(places(topic, others))


def test_links_between_documents_lead_somewhere() -> None:
    found = []
    for name in tracked("*.md", ":!third_party"):
        for hit in re.finditer(r"\]\((?!https?:)([^)#\s]+)(#[^)\s]*)?\)", text_of(name)):
            if not (ROOT / name).parent.joinpath(hit.group(1)).exists():
                found.append(f"{name}:{line_at(text_of(name), hit.start())}: {hit.group(1)}")
    none(found)


def test_scratch_files_of_tests_are_their_own() -> None:
    # Two tests of one program run at the same time, each in a process of its own.
    scratch = re.compile(r"TempDir\(\)[^;]*;")
    found = [f"{name}:{line_at(code_of(name, strings=True), hit.start())}"
             for name in tracked("tests/*.cpp", "tests/*.hpp")
             for hit in scratch.finditer(code_of(name, strings=True))
             if "getpid()" not in hit.group()]
    none(found)


def test_a_file_is_named_after_the_thing_in_it() -> None:
    vague = {"util", "utils", "common", "helper", "helpers", "manager", "impl", "misc"}
    none([name for name in tracked("*", ":!third_party")
                if vague & set(re.split(r"[/._-]", name.lower()))])


def test_no_lambda_literal_inside_co_await() -> None:
    # g++ 12 miscompiles it. A subscript follows a name or a bracket, a lambda does not.
    literal = re.compile(r"\bco_await\b[^;]*?[(,={&|?:]\s*\[[^\]\n]*\]\s*(\(|\{|mutable|->)")
    none(places(literal, tracked(*CPP), strings=False))


def test_a_switch_has_no_default() -> None:
    found = places(re.compile(r"\bdefault:"), tracked(*SERVICES), strings=False)
    assert {one.split(":")[0] for one in found} >= set(MAY_DEFAULT), "an exception is out of use"
    none([one for one in found if one.split(":")[0] not in MAY_DEFAULT])


def test_every_rpc_says_what_people_call_it() -> None:
    rpcs = [rpc for name in tracked("proto/*_service.proto")
            for rpc in re.findall(r"^  rpc (\w+)\((.*?)^  \}", text_of(name),
                                  re.MULTILINE | re.DOTALL)]
    assert len(rpcs) > 30
    silent = {name for name, body in rpcs
              if not re.search(r'\bverb: "[a-z -]+".*\bhelp: "', body, re.DOTALL)}
    assert silent == set(RPC_WITHOUT_VERB), (
        f"write `verb` and `help` beside the rpc: {sorted(silent ^ set(RPC_WITHOUT_VERB))}")


def registered() -> str:
    """The commands of every test that CTest knows in this build."""
    listed = subprocess.run(["ctest", "--test-dir", str(BIN.parent), "--show-only=json-v1"],
                            check=True, capture_output=True, text=True).stdout
    return "\n".join(" ".join(test.get("command", [])) for test in json.loads(listed)["tests"])


def test_every_test_is_known_to_ctest() -> None:
    commands = registered()
    missing = [name for name in tracked("tests/*.py")
               if Path(name).name.endswith("_test.py") or Path(name).name.startswith("test_")
               if f"/{name}" not in commands]
    for folder in sorted({str(Path(name).parent) for name in tracked("tests/*_test.cpp")}):
        program = f"unit-{Path(folder).name}" if folder != "tests/sim" else "unit-protocol"
        if not re.search(rf"/{program}\b", commands):
            missing.append(folder)
    none(missing)
