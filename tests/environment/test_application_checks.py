"""What does not go together for the application, each beside a neighbour that does."""

from __future__ import annotations

from typing import Any

import pytest

from blueprint.environment.application_checks import APPLICATION_CHECKS
from blueprint.environment.checks import CHECKS
from blueprint.environment.finding import Finding
from blueprint.environment.messages import all_keys
from blueprint.environment.model import Environment
from tests.conftest import LEAST, merged

DAY = {"name": "Day", "at": "0 7 * * *", "min_instances": 1, "max_instances": 2}


def scaling(**values: Any) -> dict[str, Any]:
    return {"scaling": values}


#: Code, what is blamed, what breaks the rule, and what does not.
BROKEN: list[tuple[str, str, dict[str, Any], dict[str, Any]]] = [
    ("ENV070", "scaling.min_instances", scaling(min_instances=7), scaling(min_instances=6)),
    ("ENV070", "scaling.in_below", scaling(in_below=60), scaling(in_below=59)),
    ("ENV070", "scaling.out_above", scaling(out_above=101), scaling(out_above=101, metric="network-in")),
    ("ENV070", "on_demand_base", {"on_demand_base": 7}, {"on_demand_base": 6}),
    ("ENV070", "on_demand_base", {"spot": True, "on_demand_base": 7},
     {"spot": True, "on_demand_base": 7, **scaling(max_instances=7)}),
    ("ENV070", "scaling.schedules[0].min_instances", scaling(schedules=[{**DAY, "min_instances": 3}]),
     scaling(schedules=[{**DAY, "min_instances": 2}])),
    ("ENV070", "scaling.schedules[1].name", scaling(schedules=[DAY, DAY]),
     scaling(schedules=[DAY, {**DAY, "name": "Night"}])),
    ("ENV071", "instance_types[1]", {"instance_types": ["t4g.small", "t3.small"]},
     {"instance_types": ["t4g.small", "p6e-gb200.36xlarge"]}),
    ("ENV072", "public_paths[0]", {"public_paths": ["/*"]}, {"public_paths": ["/"]}),
    ("ENV072", "public_paths[1]", {"public_paths": ["/a", "/**?"]}, {"public_paths": ["/a", "/a*"]}),
    ("ENV072", "public_paths[0]", {"public_paths": ["/*.css"]}, {"public_paths": ["/css/*.css"]}),
    ("ENV099", "public_paths", {"public_paths": [f"/{n}" for n in range(78)]},
     {"public_paths": [f"/{n}" for n in range(77)]}),
    ("ENV072", "public_paths[1]", {"public_paths": ["/health", "/api/*"]},
     {"public_paths": ["/health", "/api/*"], "api_paths": []}),
    ("ENV082", "instance_types[2]", {"instance_types": ["t4g.small", "m7g.large", "t4g.small"]},
     {"instance_types": ["t4g.small", "m7g.large", "t4g.medium"]}),
    *(("ENV082", f"{name}[1]", {name: ["/a/*", "/a/*"]}, {name: ["/a/*", "/A/*"]})
      for name in ("public_paths", "api_paths", "browser_paths")),
]  # fmt: skip


def findings(over: dict[str, Any]) -> list[tuple[str, Finding]]:
    env = Environment.model_validate(merged(LEAST, {"application": over}))
    return [(check.code, finding) for check in CHECKS for finding in check.find(env)]


@pytest.mark.parametrize(("code", "field", "wrong", "right"), BROKEN)
def test_what_does_not_go_together_is_blamed_and_its_neighbour_is_not(
    code: str, field: str, wrong: dict[str, Any], right: dict[str, Any]
) -> None:
    [(told, finding)] = findings(wrong)
    assert (told, finding.field) == (code, f"application.{field}")
    assert {path for path in finding.reads if "[" not in path} <= {*all_keys(Environment)}
    assert findings(right) == []


def test_every_rule_about_the_application_is_shown_broken() -> None:
    assert {check.code for check in APPLICATION_CHECKS} == {code for code, *_ in BROKEN}


def test_what_is_listed_three_times_is_told_twice() -> None:
    found = findings({"browser_paths": ["/a", "/a", "/b", "/a"]})
    assert [finding.field[-3:] for _, finding in found] == ["[1]", "[3]"]
