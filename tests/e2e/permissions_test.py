"""Every method, by every role, of the agency concerned, of others and of another realm: what each
gets is what the option beside the rpc says. A new method fails here until it says who may call it
and has a request in permissions_world.py."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from e2e.all_program import all_program
from e2e.permissions_world import (AGENCIES, LEFT, REALM, REQUESTS, ROLES, Person, World,
                                   person)
from support.broker import Broker
from support.connect import Reply
from support.programs import Secrets
from support.protos import enum_name, method, method_rules, services
from support.tokens import Issuer

METHODS = [(service, name) for service, names in services().items() for name in names]
STRANGER = Person("stranger@city.calgary", REALM, "city", ROLES)
REFUSED = ("ROLE_MISSING", "OTHER_AGENCY", "NOT_ON_ROSTER", "TOKEN_MISSING")


@pytest.fixture(scope="module")
def world(broker: Broker, keys: Secrets, issuer: Issuer, tmp_path_factory: pytest.TempPathFactory
          ) -> Iterator[World]:
    folder = Path(tmp_path_factory.mktemp("all"))
    with all_program(folder, REALM, broker, keys) as program:
        yield World(program, issuer).build()


def access_of(rules: Any) -> str:
    return enum_name("tocsin.rules.v1.Access", rules.access).removeprefix("ACCESS_")


def reach_of(rules: Any) -> str:
    return enum_name("tocsin.rules.v1.Reach", rules.reach).removeprefix("REACH_")


def reaches(reach: str, role: str, relation: str) -> bool:
    """Whether an agency's person is let through, of those in the realm."""
    return {"REALM": True, "OWNER": relation == "own", "PARTIES": relation == "own",
            "INCIDENT": relation == "own" or (relation == "member" and role == "duty-officer"),
            "MEMBERS": relation in ("own", "member")}[reach]


def expected(rules: Any, role: str, relation: str) -> str:
    if access_of(rules) == "PUBLIC":
        return "let through"
    if access_of(rules) == "OPERATOR" or (rules.roles and role not in rules.roles):
        return "ROLE_MISSING"
    if relation == "elsewhere":
        return "nothing of ours"
    return "let through" if reaches(reach_of(rules), role, relation) else "OTHER_AGENCY"


def is_list(service: str, name: str) -> bool:
    return name.startswith("Watch") or "page_size" in (
        method(service, name)[1].DESCRIPTOR.fields_by_name)


def names_ours(service: str, name: str) -> bool:
    """Whether the request is about a message, a release or an incident of the city's."""
    reach = reach_of(method_rules(service, name))
    return reach in ("PARTIES", "INCIDENT", "MEMBERS") and not is_list(service, name)


def shows(world: World, reply: Reply) -> bool:
    """Whether the answer has anything of what is the city's alone."""
    said = str(reply.body)
    return any(world.ids[name] in said for name in (
        "incident", "draft", "review", "released", "cancelled", "release released"))


def outcome(world: World, service: str, name: str, reply: Reply, expected_: str) -> str:
    """The same words as expected()."""
    if reply.reason in REFUSED:
        return reply.reason
    if expected_ == "nothing of ours":
        if names_ours(service, name) and reply.code != "not_found":
            return f"{reply.code or 'ok'} {reply.reason}"
        return "shown" if reply.ok and shows(world, reply) else expected_
    # A list leaves out what is not the caller's.
    if expected_ == "OTHER_AGENCY" and is_list(service, name) and reply.ok:
        return "shown" if shows(world, reply) else expected_
    if reply.code in ("permission_denied", "unauthenticated", "not_found"):
        return f"{reply.code} {reply.reason}"
    return "let through"


def test_every_method_says_who_may_call_it() -> None:
    assert [one for one in METHODS if method_rules(*one) is None] == []
    assert sorted(REQUESTS) == sorted(METHODS)


@pytest.mark.parametrize(("service", "name"), METHODS, ids=lambda one: one)
def test_each_cell_is_as_the_option_says(world: World, service: str, name: str) -> None:
    rules = method_rules(service, name)
    wrong = []
    for relation in AGENCIES:
        for role in ROLES:
            should = expected(rules, role, relation)
            reply = world.call(service, name, world.token(person(role, relation)))
            found = outcome(world, service, name, reply, should)
            if found != should:
                wrong.append(f"{role} of {relation}: {found}, not {should} ({reply.message})")
    assert wrong == []


@pytest.mark.parametrize(("service", "name"), [
    one for one in METHODS if reach_of(method_rules(*one)) in ("INCIDENT", "MEMBERS")
    and access_of(method_rules(*one)) == "READ"], ids=lambda one: one)
def test_who_is_let_through_sees_it(world: World, service: str, name: str) -> None:
    """A list that is empty for everybody would hide nothing from anybody."""
    for role, relation in (("analyst", "own"), ("duty-officer", "member")):
        reply = world.call(service, name, world.token(person(role, relation)))
        assert reply.ok and shows(world, reply), f"{role} of {relation}: {reply.message}"


def test_strangers_get_one_refusal_from_every_method(world: World) -> None:
    answers = set()
    for service, name in METHODS:
        rules = method_rules(service, name)
        for token in (world.without_roles, world.token(STRANGER), world.operator, ""):
            reply = world.call(service, name, token)
            if access_of(rules) == "PUBLIC" or (
                    access_of(rules) == "OPERATOR" and token == world.operator):
                assert reply.reason not in REFUSED, f"{name}: {reply.reason}"
                continue
            assert reply.reason == ("ROLE_MISSING" if token else "TOKEN_MISSING"), f"{name}"
            if token not in ("", world.operator) and access_of(rules) != "OPERATOR":
                answers.add(reply.message)
    assert len(answers) == 1, answers


def test_who_left_gets_the_same_refusal_at_once(world: World) -> None:
    assert world.call("drafting", "ListMessages", world.token(LEFT)).ok
    position = world.let_go()
    for service, name in METHODS:
        if access_of(method_rules(service, name)) not in ("READ", "CHANGE"):
            continue
        world.reach(service, position)
        reply = world.call(service, name, world.token(LEFT))
        assert reply.reason == "ROLE_MISSING", f"{service} {name}: {reply.reason}"


def test_a_channel_of_another_agency_is_shown_without_where_it_leads(world: World) -> None:
    for relation, shown in (("own", True), ("other", False)):
        reply = world.call("publishing", "ListChannels", world.token(person("analyst", relation)))
        channels = {one["channelId"]: one for one in reply.body["channels"]}
        assert ("url" in channels["city-hook"]) == shown
        assert ("credential" in channels["city-hook"]) == shown
