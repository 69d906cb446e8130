"""An environment without a domain of its own is told how to get one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic_core import PydanticCustomError

from blueprint.cli import summary
from blueprint.cli.output import Output
from blueprint.environment import formats, load_environment
from blueprint.environment.checks import notices
from blueprint.layers import security
from blueprint.render import render
from tests.environment.conftest import BASE, problems

Write = Callable[..., Path]
SHIPPED = Path(__file__).parents[2] / "environments"


def noticed(folder: Path, name: str = "prod") -> list[str]:
    return [str(notice) for notice in notices(load_environment(folder, name))]


def test_a_file_without_a_domain_says_how_to_get_one(folder: Path) -> None:
    without = "\n".join(line for line in BASE.splitlines() if not line.startswith("domain"))
    (folder / "prod.yaml").write_text(without)
    [line] = problems(folder)
    assert "domain is required and missing" in line
    assert formats.HOW_TO_GET_A_DOMAIN in line


@pytest.mark.parametrize(
    "name",
    [
        "shop.eu-west-1.elasticbeanstalk.com",
        "my-lb-1234.eu-west-1.elb.amazonaws.com",
        "d111111abcdef8.cloudfront.net",
        "shop.auth.eu-west-1.amazoncognito.com",
        "abc.lambda-url.eu-west-1.on.aws",
        "shop.local",
        "shop.internal",
        "shop.test",
        "1.2.0.192.in-addr.arpa",
        "localhost",
        "192.0.2.7",
    ],
)
def test_a_name_that_is_nobodys_or_amazons_says_how_to_get_one(name: str) -> None:
    with pytest.raises(PydanticCustomError) as refused:
        formats.domain(name)
    assert refused.value.context
    assert refused.value.context["remedy"] == formats.HOW_TO_GET_A_DOMAIN


@pytest.mark.parametrize(
    "name", ["localhost.de", "myamazonaws.com", "internal.acme.io", "test.com", "on.awsome"]
)
def test_a_name_that_only_looks_like_one_is_taken(name: str) -> None:
    assert formats.domain(name) == name


@pytest.mark.parametrize("name", ["example.com", "shop.example.org", "a.b.example.net", "shop.example"])
def test_a_name_for_examples_renders_and_is_noticed(write: Write, name: str) -> None:
    [line] = noticed(write(f"extends: base.yaml\ndomain: {name}\n"))
    assert line.startswith("prod.yaml:2:9 domain: ")
    assert formats.HOW_TO_GET_A_DOMAIN in line


@pytest.mark.parametrize("name", ["acme.io", "notexample.com", "example.com.de"])
def test_a_domain_of_ones_own_is_not_noticed(write: Write, name: str) -> None:
    assert noticed(write(f"extends: base.yaml\ndomain: {name}\n")) == []


def test_the_shipped_environments_are_examples() -> None:
    assert [len(noticed(SHIPPED, name)) for name in ("dev", "staging", "prod")] == [1, 1, 1]


def test_the_summary_of_a_render_shows_it(write: Write, tmp_path: Path) -> None:
    env = load_environment(write("extends: base.yaml\n"), "prod")
    made = render(env, {"security": security.stacks})
    text = summary.text(made, Output(tmp_path, None, ()), None)
    assert f"  {noticed(write('extends: base.yaml' + chr(10)))[0]}\n" in text


def test_where_users_sign_in_follows_from_the_recovery_region_or_is_asked_for(write: Write) -> None:
    recovery = "recovery: [{region: eu-west-2, cidr: 10.1.0.0/16}]\n"
    for text, wanted in {
        "": "",
        "edge: {custom_sign_in: true}\n": "auth.shop.example.com",
        recovery: "auth.shop.example.com",
        recovery + "edge: {custom_sign_in: false}\n": "auth.shop.example.com",
    }.items():
        env = load_environment(write("extends: base.yaml\n" + text), "prod")
        assert env.sign_in_domain == wanted
        assert env.api_domain == "api.shop.example.com"
