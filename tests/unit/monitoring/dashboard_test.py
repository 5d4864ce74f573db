"""The dashboards: what Grafana needs, what a reader needs, and no series that nobody makes."""

import re

import pytest
from unit.monitoring import files

DASHBOARDS = files.dashboards()
# What no panel needs to show, and why.
NOT_SHOWN = {
    "process_virtual_memory_bytes": "address space that was reserved; the resident bytes are shown",
}


@pytest.fixture(params=DASHBOARDS.values(), ids=DASHBOARDS.keys())
def dashboard(request: pytest.FixtureRequest) -> dict:
    return request.param


def with_queries(dashboard: dict) -> list[dict]:
    found = [panel for panel in files.panels(dashboard) if panel["type"] != "row"]
    assert found
    return found


def test_there_is_a_dashboard() -> None:
    assert "tocsin.json" in DASHBOARDS
    identities = [one["uid"] for one in DASHBOARDS.values()]
    assert len(identities) == len(set(identities))


def test_it_is_the_same_wherever_it_is_loaded(dashboard: dict) -> None:
    assert dashboard["id"] is None
    assert dashboard["uid"]
    assert dashboard["schemaVersion"] == 42
    assert dashboard["editable"] is False
    assert dashboard["title"] and dashboard["description"]


def test_every_query_goes_to_the_chosen_prometheus(dashboard: dict) -> None:
    variables = {one["name"]: one for one in dashboard["templating"]["list"]}
    assert variables["datasource"]["type"] == "datasource"
    assert variables["datasource"]["query"] == "prometheus"
    asking = [target for panel in with_queries(dashboard) for target in panel["targets"]]
    asking += with_queries(dashboard) + dashboard["annotations"]["list"]
    asking += [one for name, one in variables.items() if name != "datasource"]
    for one in asking:
        assert one["datasource"] == {"type": "prometheus", "uid": "${datasource}"}, one


def test_every_panel_explains_itself(dashboard: dict) -> None:
    for panel in with_queries(dashboard):
        assert panel["title"], panel["id"]
        assert len(panel["description"]) > 20, panel["title"]
        assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]
        assert panel["targets"], panel["title"]
        for target in panel["targets"]:
            assert target["expr"] and target["legendFormat"] and target["refId"], panel["title"]


def test_no_title_or_id_is_used_twice(dashboard: dict) -> None:
    for key in ("id", "title"):
        seen = [panel[key] for panel in files.panels(dashboard)]
        assert len(seen) == len(set(seen)), sorted(one for one in seen if seen.count(one) > 1)


def test_panels_do_not_cover_each_other(dashboard: dict) -> None:
    taken: dict[tuple[int, int], str] = {}
    for panel in files.panels(dashboard):
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24, panel["title"]
        for x in range(place["x"], place["x"] + place["w"]):
            for y in range(place["y"], place["y"] + place["h"]):
                other = taken.setdefault((x, y), panel["title"])
                assert other == panel["title"], f"{other} lies under {panel['title']}"


def test_every_variable_narrows_some_panel(dashboard: dict) -> None:
    expressions = files.dashboard_expressions(dashboard)
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query":
            assert any(f'"${variable["name"]}"' in one for one in expressions), variable["name"]


def test_what_is_of_one_realm_can_be_narrowed_to_it(dashboard: dict) -> None:
    """Realms are tenants: who looks at one must not count another's."""
    by_realm = [one for one in files.dashboard_expressions(dashboard)
                if re.search(r"by \([^)]*\brealm\b|realm_", one)]
    assert by_realm
    for one in by_realm:
        assert 'realm=~"$realm"' in one, one


def test_every_series_is_made_somewhere(dashboard: dict) -> None:
    expressions = files.dashboard_expressions(dashboard)
    used = set().union(*map(files.series_in, expressions))
    assert {"tocsin_clock_latest_seconds", "tocsin_release_skew_seconds_bucket"} <= used
    unknown = used - files.exported() - files.recorded()
    assert not unknown, f"no source makes {sorted(unknown)}"


def test_every_metric_is_made_by_its_name() -> None:
    """By which it is found here, and by whoever looks for it."""
    assert not files.unnamed(), f"write the name of the metric: {files.unnamed()}"


def test_every_metric_has_a_place_on_a_dashboard() -> None:
    expressions = [one for dashboard in DASHBOARDS.values()
                   for one in files.dashboard_expressions(dashboard)]
    shown = set().union(*map(files.series_in, expressions))
    metrics = files.made()
    assert len(metrics) > 50, "the sources are not read as they should be"
    nowhere = {name for name, series in metrics.items() if not series & shown}
    assert not nowhere - NOT_SHOWN.keys(), f"no panel shows {sorted(nowhere - NOT_SHOWN.keys())}"
    assert nowhere == NOT_SHOWN.keys(), f"shown after all: {sorted(NOT_SHOWN.keys() - nowhere)}"
