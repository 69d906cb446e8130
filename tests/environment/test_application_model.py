"""What a file may say of the application: paths, types, times, versions, and limits that are Beanstalk's."""

from __future__ import annotations

import string
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import ValidationError

from blueprint.environment.application_model import Application, Scaling, Schedule, architecture
from blueprint.environment.messages import limits
from blueprint.layers.shared import beanstalk_options

SCHEDULE = {"name": "Morning", "at": "0 7 * * *", "min_instances": 1, "max_instances": 2}


def faults(section: type[Application] | type[Scaling] | type[Schedule], **values: Any) -> list[str]:
    """What is wrong with some values, by code; nothing when they are taken."""
    try:
        section.model_validate({**(SCHEDULE if section is Schedule else {}), **values})
    except ValidationError as error:
        return [found["type"] for found in error.errors()]
    return []


# -- paths -------------------------------------------------------------------------------------------------

ALLOWED = string.ascii_letters + string.digits + "_-.$/~\"'@:+&*?"  # RuleCondition of the API of ELB


@given(st.text(ALLOWED + "%; #<\\é\n", max_size=12).map("/{}".format) | st.text(ALLOWED, max_size=4))
@example("/" + "a" * 127)
@example("/" + "a" * 128)
@example("/*a?b*")
@example("/*a?b*c?")
@example("/a\n")
@example("/a;b")  # only in &amp;, which the API's documentation writes for &
def test_a_path_is_one_that_a_load_balancer_can_match_within_a_rule(path: str) -> None:
    wildcards = path.count("*") + path.count("?")
    fits = path.startswith("/") and set(path) <= set(ALLOWED) and len(path) <= 128 and wildcards <= 3
    for key in ("public_paths", "api_paths", "browser_paths"):
        assert faults(Application, **{key: [path]}) == ([] if fits else ["ENV073"])


@pytest.mark.parametrize(
    ("path", "wanted"), [("/", []), ("/health", []), ("/health?deep", []), ("/health*", ["ENV073"])]
)
def test_what_is_asked_for_health_is_one_path(path: str, wanted: list[str]) -> None:
    assert faults(Application, health_check_path=path) == wanted


# -- instances ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "wanted"),  # beside those of tests/layers/test_application.py
    [
        *(
            (kind, "arm64")
            for kind in ("a1.metal", "hpc7g.4xlarge", "is4gen.medium", "m8gb.large", "i8ge.large")
        ),
        *(
            (kind, "x86_64")
            for kind in ("g6e.xlarge", "gr6.4xlarge", "g4ad.xlarge", "vt1.3xlarge", "a10.large")
        ),
        *((kind, "x86_64") for kind in ("m7.glarge", "u7i-12tb.224xlarge", "p6-b200.48xlarge")),
        *((kind, "arm64") for kind in ("p6e-gb200.36xlarge", "p6e-gb300.36xlarge")),
    ],
)
def test_graviton_has_a_g_behind_its_generation_and_nothing_else_has(kind: str, wanted: str) -> None:
    assert architecture(kind) == wanted


def test_the_first_type_decides_the_architecture() -> None:
    kinds = [["t4g.small"], ["t3.small", "t4g.small"]]
    assert [Application(instance_types=tuple(k)).architecture for k in kinds] == ["arm64", "x86_64"]


@pytest.mark.parametrize(("number", "wanted"), [(0, ["ENV074"]), (1, []), (10, []), (11, ["ENV074"])])
def test_there_are_one_to_ten_types(number: int, wanted: list[str]) -> None:
    kinds = [f"m{n}g.large" for n in range(number)]
    assert faults(Application, instance_types=kinds) == wanted
    if not wanted:
        assert beanstalk_options.takes("aws:ec2:instances", "InstanceTypes", ",".join(kinds))


# -- single values -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("section", "key", "good", "bad", "code"),
    [
        (Application, "php", ["8.1", "8.4", "9.0", "8.10"], ["8", "7.4", "8.4.1", "10.0", ""], "ENV076"),
        (Application, "update_window", ["Sun:00:00", "Wed:23:59"], ["sun:03:00", "Sun:24:00"], "ENV077"),
        (Application, "document_root", ["/", "/public", "/a.b/c-d_e"], ["public", "", "/a b"], "ENV078"),
        (Schedule, "name", ["A", "Morning2", "a" * 32], ["", "2nd", "early-morning", "a" * 33], "ENV079"),
        (
            Schedule,
            "at",
            ["0 7 * * MON-FRI", "*/15 0-6 1,15 * *"],
            ["0 7 * *", "every day at seven o'clock", "0 7 * * *\u00a0", "0\u20037 * * *", "@daily", ""],
            "ENV075",
        ),
    ],
)  # fmt: skip
def test_texts_have_the_form_that_the_service_reads(
    section: type[Application], key: str, good: list[str], bad: list[str], code: str
) -> None:
    assert {text: faults(section, **{key: text}) for text in good} == {text: [] for text in good}
    assert {text: faults(section, **{key: text}) for text in bad} == {text: [code] for text in bad}


# -- limits ------------------------------------------------------------------------------------------------

OF_BEANSTALK = [
    (Application, "disk_gb", "launchconfiguration", "RootVolumeSize"),
    (Scaling, "min_instances", "asg", "MinSize"),
    (Scaling, "max_instances", "asg", "MaxSize"),
    (Scaling, "out_above", "trigger", "UpperThreshold"),
    (Scaling, "in_below", "trigger", "LowerThreshold"),
    (Schedule, "min_instances", "scheduledaction", "MinSize"),
    (Schedule, "max_instances", "scheduledaction", "MaxSize"),
]


@pytest.mark.parametrize(("section", "key", "namespace", "name"), OF_BEANSTALK)
def test_the_last_values_that_a_file_may_hold_are_within_what_beanstalk_takes(
    section: type[Scaling], key: str, namespace: str, name: str
) -> None:
    for value in limits(section.model_fields[key]):
        assert beanstalk_options.takes(f"aws:autoscaling:{namespace}", name, str(value))


LIMITED = [
    (section, key)
    for section in (Application, Scaling, Schedule)
    for key, field in section.model_fields.items()
    if limits(field) != (None, None)
]


@pytest.mark.parametrize(("section", "key"), LIMITED)
def test_one_beyond_a_limit_is_refused(section: type[Scaling], key: str) -> None:
    low, high = limits(section.model_fields[key])
    assert [faults(section, **{key: value}) for value in (low, high)] == [[], []]
    assert faults(section, **{key: low - 1}) == ["greater_than_equal"]
    assert faults(section, **{key: high + 1}) == ["less_than_equal"]


def test_a_session_lasts_no_longer_than_a_load_balancer_remembers_it() -> None:
    _, hours = limits(Application.model_fields["session_hours"])
    assert hours * 3600 <= 604_800  # SessionTimeout of an action: 1 to 604800 seconds
