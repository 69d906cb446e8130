"""What a file may say of its domain: ids of zones, names of authorities, switches."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from blueprint.environment.edge_model import Edge
from blueprint.schemas import property_schema

ZONE = "Z0123456789ABCDEFGHIJ"


def fault(**values: Any) -> tuple[str, str]:
    with pytest.raises(ValidationError) as caught:
        Edge.model_validate(values)
    [error] = caught.value.errors()
    return ".".join(map(str, error["loc"])), error["type"]


@pytest.mark.parametrize(
    "values",
    [
        {"hosted_zone_id": ""},
        {"hosted_zone_id": ZONE, "apex_records": False},
        {"certificate_authorities": ["letsencrypt.org", "pki.goog"]},
        {"custom_sign_in": True},
    ],
)
def test_what_is_right_is_taken_as_it_is(values: dict[str, Any]) -> None:
    taken = Edge.model_validate(values).model_dump(exclude_unset=True)
    assert {key: list(value) if isinstance(value, tuple) else value for key, value in taken.items()} == values


@pytest.mark.parametrize(
    ("key", "value", "wanted"),
    [
        ("hosted_zone_id", f"/hostedzone/{ZONE}", ("hosted_zone_id", "ENV043")),
        ("hosted_zone_id", ZONE.lower(), ("hosted_zone_id", "ENV043")),
        ("hosted_zone_id", " ", ("hosted_zone_id", "ENV043")),
        (
            "certificate_authorities",
            ["letsencrypt.org", "Let's Encrypt"],
            ("certificate_authorities.1", "ENV044"),
        ),
        ("certificate_authorities", [""], ("certificate_authorities.0", "ENV044")),
        ("certificate_authorities", "letsencrypt.org", ("certificate_authorities", "tuple_type")),
        ("apex_records", "no", ("apex_records", "bool_type")),
        ("custom_sign_in", 1, ("custom_sign_in", "bool_type")),
        ("zone_id", ZONE, ("zone_id", "extra_forbidden")),
    ],
)
def test_what_is_wrong_is_blamed_on_its_own_key(key: str, value: Any, wanted: tuple[str, str]) -> None:
    assert fault(**{key: value}) == wanted


@given(st.text("Zz019AB-/ \n", max_size=34) | st.from_regex(r"Z[0-9A-Z]{0,33}", fullmatch=True))
def test_an_editor_and_the_command_agree_on_ids_of_zones(text: str) -> None:
    pattern = Edge.model_json_schema()["properties"]["hosted_zone_id"]["pattern"]
    if re.search(pattern.replace("$", r"\Z"), text):  # an editor's $ is not before a line break
        assert Edge(hosted_zone_id=text).hosted_zone_id == text
    else:
        assert fault(hosted_zone_id=text) == ("hosted_zone_id", "ENV043")


def test_the_longest_id_of_a_zone_fits_a_record() -> None:
    longest = Edge(hosted_zone_id="Z" + "A" * 31).hosted_zone_id
    assert len(longest) <= property_schema("AWS::Route53::RecordSet", "HostedZoneId")["maxLength"]
