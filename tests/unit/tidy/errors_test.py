"""docs/ERRORS.md against the sources: every reason is in the table with its code, and no other."""

import re
from collections import defaultdict

from unit.tidy.sources import code_of, text_of, tracked

# Where a reason stands; group 1 is its code, where the call names one.
_PLACES = (
    r'Because::(\w+),\s*"(\w+)"',
    r'StatusCode::([A-Z_]+),\s*"(\w+)"',
    r'\b(?:no_room|require_room)\(()\s*"(\w+)"',
    r'\b(?:bad_field|bad|because|no|wrong)\(()\s*"([A-Za-z_]+)"',
    r'\bnot_now\(()\s*"(\w+)"',
    r'unexpected\(()"(token_\w+)"',
    r'\bfault = ()(?:fmt::format\()?"(\w+)[":]',
    r'refusal\(code,()[^;]*?"(\w+)"',
    r'refusal\(error\.code,() "(\w+)"',
    r'()busy \? "\w+" : "(\w+)"',
)


def in_sources() -> dict[str, set[str]]:
    """Reasons in upper case, each with the codes that stand beside it."""
    found: dict[str, set[str]] = defaultdict(set)
    for name in tracked("services/*.cpp", "services/*.hpp"):
        for place in _PLACES:
            for code, reason in re.findall(place, code_of(name, strings=True)):
                found[reason.upper()] |= {code.lower()} - {""}
    return found


def in_table() -> dict[str, set[str]]:
    rows = re.findall(r"^\| ([A-Z][A-Z_]+) \| ([a-z_, ]+) \|", text_of("docs/ERRORS.md"),
                      re.MULTILINE)
    assert len(rows) == len({reason for reason, _ in rows}), "a reason is listed twice"
    return {reason: set(codes.split(", ")) for reason, codes in rows}


def test_every_reason_is_documented() -> None:
    made, listed = in_sources().keys(), in_table().keys()
    assert not made - listed, f"docs/ERRORS.md has no row for {sorted(made - listed)}"
    assert not listed - made, f"docs/ERRORS.md has rows that nothing makes: {sorted(listed - made)}"


def test_the_codes_are_those_of_the_sources() -> None:
    table = in_table()
    wrong = {reason: codes - table.get(reason, set()) for reason, codes in in_sources().items()}
    assert not {reason: codes for reason, codes in wrong.items() if codes}
