"""docs/PERMISSIONS.md against the options beside the rpcs: who may call what is written down as it
is enforced."""

from support.places import ROOT
from support.programs import SERVICES
from support.protos import enum_name, method_rules, services
from unit.tidy.sources import text_of

_ACCESS = {"CHANGE": "changes", "READ": "reads", "PUBLIC": "reads", "OPERATOR": "operates"}
_REACH = {
    "UNSPECIFIED": "", "REALM": "every agency of the realm", "OWNER": "the agency that owns it",
    "PARTIES": "the agencies named in the message",
    "INCIDENT": "the agencies named in the message; duty officers of those in its incident",
    "MEMBERS": "the agencies in the incident",
}


def table() -> str:
    rows = ["| method | what it does | roles, one of | for |", "|---|---|---|---|"]
    for service, names in services().items():
        for name in names:
            rules = method_rules(service, name)
            access = enum_name("tocsin.rules.v1.Access", rules.access).removeprefix("ACCESS_")
            reach = enum_name("tocsin.rules.v1.Reach", rules.reach).removeprefix("REACH_")
            roles = ", ".join(rules.roles) or "any"
            who = _REACH[reach]
            if access == "PUBLIC":
                roles, who = "", "everybody, without a token"
            if access == "OPERATOR":
                who = "the people who run the installation"
            rows.append(f"| {service} {name} | {_ACCESS[access]} | {roles} | {who} |")
    return "\n".join(rows) + "\n"


def test_the_page_is_what_is_enforced() -> None:
    page = text_of("docs/PERMISSIONS.md")
    assert table() in page, f"write into docs/PERMISSIONS.md:\n{table()}"


def test_every_decider_is_held_against_the_options() -> None:
    """They name the roles a second time."""
    missing = [service for service in SERVICES
               if not (ROOT / "tests" / "unit" / service / "roles_test.cpp").is_file()]
    assert not missing, f"add roles_test.cpp (see tests/support/command_roles.hpp) for {missing}"
