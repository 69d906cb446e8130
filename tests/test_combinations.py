"""Environments over all pairs of options, not only the shipped ones: everything must hold for each.

``BLUEPRINT_FULL=1`` (``python build.py test --full``) gives every distinct template to cfn-lint; otherwise a
share that changes from commit to commit, so that a week of commits has seen them all.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import yaml
from pydantic import BaseModel

from blueprint.environment import Account, Environment, load_account, load_environment
from blueprint.gate import GateInput, check
from blueprint.layers import layers_for
from blueprint.problems import BlueprintError
from blueprint.render import render
from blueprint.schemas import create_only
from tests import database_options, options
from tests.conftest import LEAST, LEAST_ACCOUNT, ROOT, Rendering, merged
from tests.invariants import CHECKS, cases, fixed_names, violations
from tests.pairwise import Row, all_pairs, pairs

NAMES = ["prod", "ten-letter"]  # an environment's name may be that long
SHAPES = {
    "one": [{}],
    "recovery": [{"recovery": options.recovery("eu-central-1")}],
    "two accounts": [{"region": "us-west-2"}, {"account": "444455556666", "region": "ap-southeast-7"}],
}
ENVIRONMENT_OPTIONS = {"name": NAMES, **options.tried(Environment)}
ACCOUNT_OPTIONS = {"shape": list(SHAPES), **options.tried(Account)}
LINTED = 24  # templates for cfn-lint: about 6 s on two cores


def environment_rows() -> list[Row]:
    return all_pairs(ENVIRONMENT_OPTIONS, options.possible_environment)


def account_rows() -> list[Row]:
    return all_pairs(ACCOUNT_OPTIONS, options.possible_account)


def rendered_environment(row: Row) -> Rendering:
    values = dict(row)
    name = values.pop("name", "prod")
    with files(**{name: merged(LEAST, options.as_tree(values))}) as folder:
        subject = load_environment(folder, name)
    return Rendering(render(subject, layers_for(subject)))


def rendered_account(row: Row) -> Rendering:
    values = dict(row)
    shape = SHAPES[values.pop("shape", "recovery")]
    environments = {f"env-{number}": merged(LEAST, over) for number, over in enumerate(shape)}
    if values.get("ebs_encryption.key_arns"):
        keys = options.keys_for(values["home_region"], environments.values())
        values["ebs_encryption.key_arns"] = keys
    with files(account=merged(LEAST_ACCOUNT, options.as_tree(values)), **environments) as folder:
        subject = load_account(folder)
    return Rendering(render(subject, layers_for(subject)))


class files:
    """A folder with environment files, for as long as they are read."""

    def __init__(self, **contents: dict[str, Any]) -> None:
        self.contents = contents

    def __enter__(self) -> Path:
        self.folder = TemporaryDirectory()
        for name, data in self.contents.items():
            (Path(self.folder.name) / f"{name}.yaml").write_text(yaml.safe_dump(data), encoding="utf-8")
        return Path(self.folder.name)

    def __exit__(self, *error: object) -> None:
        self.folder.cleanup()


@cache
def combinations() -> list[Rendering]:
    """Every row, rendered; once per process."""
    return [
        *(rendered_environment(row) for row in environment_rows()),
        *(rendered_account(row) for row in account_rows()),
    ]


@dataclass(frozen=True)
class Distinct:
    """A template that differs from all others in what it says or in where it goes."""

    body: bytes
    regions: tuple[str, ...]
    name: str

    @property
    def digest(self) -> str:
        return sha256(self.body + ",".join(self.regions).encode()).hexdigest()

    def as_input(self) -> GateInput:
        return GateInput(self.name, self.body, self.regions, f"{self.name} {self.digest[:8]}")


@cache
def distinct() -> list[Distinct]:
    """Every distinct template, in the order of their digests."""
    found = {}
    for rendering in combinations():
        for case in cases(rendering):
            body = rendering[case.stack["name"]].body
            template = Distinct(body, tuple(case.stack["regions"]), str(case))
            found[template.digest] = template
    return [found[digest] for digest in sorted(found)]


# -- the combinations ----------------------------------------------------------------------------------


@pytest.mark.parametrize("model", [Environment, Account], ids=lambda model: model.__name__)
def test_every_option_has_values_to_try(model: type[BaseModel]):
    assert not (told := options.without_values(model)), "\n".join(told)
    assert options.BY_HAND[model].keys() <= dict(options.leaves(model)).keys()


def test_an_option_that_nobody_knows_values_for_is_told_in_a_sentence():
    class Alarms(BaseModel):
        email: str | None = None

    class Grown(Environment):
        alarms: Alarms = Alarms()

    known = options.BY_HAND | {Grown: options.BY_HAND[Environment]}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(options, "BY_HAND", known)
        assert options.tried(Grown)["alarms.email"] == [options.UNSET]
        assert options.without_values(Grown) == [
            "alarms.email has no values to try: add them to BY_HAND in tests/options.py"
        ]


def test_every_feature_is_tried_with_every_value():
    values = ENVIRONMENT_OPTIONS
    assert values["network.nat"] == ["regional", "per-zone", "single", "none"]
    assert values["network.zones"] == [2, 3, 4]
    assert values["network.dual_stack"] == [False, True]
    assert ACCOUNT_OPTIONS["ebs_encryption.mode"] == ["create", "existing", "off"]


@pytest.mark.parametrize(
    ("values", "possible", "rows"),
    [
        (ENVIRONMENT_OPTIONS, options.possible_environment, environment_rows),
        (ACCOUNT_OPTIONS, options.possible_account, account_rows),
    ],
    ids=["environment", "account"],
)
def test_every_possible_pair_of_values_is_in_some_row(values, possible, rows):
    made = rows()
    for (one, i), (other, j) in pairs(values, possible):
        wanted = (values[one][i], values[other][j])
        assert any((row[one], row[other]) == wanted for row in made), (one, other, wanted)


def test_what_is_left_out_as_impossible_is_refused_by_the_environment_model_too():
    everything = {(one, other) for one, other in pairs(ENVIRONMENT_OPTIONS, lambda row: True)}
    impossible = everything - set(pairs(ENVIRONMENT_OPTIONS, options.possible_environment))
    assert impossible
    for (one, i), (other, j) in sorted(impossible):
        row = {one: ENVIRONMENT_OPTIONS[one][i], other: ENVIRONMENT_OPTIONS[other][j]}
        with pytest.raises(BlueprintError):
            rendered_environment(row)


def test_one_has_its_primary_in_us_east_1_with_a_recovery_region():
    assert any(row["region"] == "us-east-1" and row["recovery"] for row in environment_rows())


def test_there_are_many_more_templates_than_the_shipped_ones():
    assert len(distinct()) > 60


# -- what must hold for each ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", CHECKS)
def test_no_combination_breaks_an_invariant(name):
    assert [line for rendering in combinations() for line in violations(rendering, name)] == []


def failing(templates: list[Distinct], validator: str) -> list[str]:
    found = check([t.as_input() for t in templates], cache_dir=None, validators=[validator])
    return [f"{f.template}: {f.rule} {f.logical_id} {f.property_path}: {f.message}" for f in found if f.fails]


def test_every_distinct_template_passes_cloudformation_validate():
    assert failing(distinct(), "cloudformation-validate") == []


def test_a_rotating_share_passes_cfn_lint():
    turns = -(-len(distinct()) // LINTED)
    turn = int(os.environ.get("BLUEPRINT_TURN", commit_number())) % turns
    share = distinct() if os.environ.get("BLUEPRINT_FULL") else distinct()[turn::turns]
    assert share
    assert failing(share, "cfn-lint") == [], f"repeat with BLUEPRINT_TURN={turn}"


def commit_number() -> int:
    """Which share it is: the same for a commit wherever it is tested, another for the next."""
    result = subprocess.run(
        ["git", "rev-list", "--count", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return int(result.stdout) if result.returncode == 0 else 0


# -- options one at a time -----------------------------------------------------------------------------


def variations(
    values: dict[str, list[Any]], base: Row, possible: Callable[[Row], bool]
) -> Iterator[tuple[str, Row]]:
    """``base`` with one option changed, for every value of every option."""
    for path, choices in values.items():
        for choice in choices:
            row = {**base, path: choice}
            if choice != base[path] and possible(row):
                yield path, row


BASE = {path: values[0] for path, values in ENVIRONMENT_OPTIONS.items()} | {
    "region": "us-east-1",
    "recovery": options.recovery("ap-northeast-2"),
    "network.zones": 3,
    "edge.apex_records": True,  # another value needs a zone that is there
    "identity.self_sign_up": True,  # where people are invited, two providers are refused
}
ACCOUNT_BASE = {path: values[0] for path, values in ACCOUNT_OPTIONS.items()} | {"shape": "recovery"}
#: Options that mean nothing without another one.
TOGETHER = {"ebs_encryption.key_arns": {"ebs_encryption.mode": "existing"}}
SETS = "deployment.stack_sets"
ORGANIZATION = {f"{SETS}.permission_model": "service-managed", f"{SETS}.organizational_units": ["r-ab12"]}
ENVIRONMENT_TOGETHER: dict[str, tuple[dict[str, Any], Any]] = {
    **database_options.TOGETHER,
    "application.on_demand_base": ({"application.spot": True}, 4),
    "edge.apex_records": ({"edge.hosted_zone_id": "Z0123456789ABCDEFGHIJ"}, False),
    "identity.threat_protection": ({"identity.tier": "plus"}, "enforced"),
    "identity.email.ses_region": ({"identity.email.from_address": "no-reply@shop.example.com"}, "eu-west-1"),
    **{
        f"{SETS}.{name}": ({**ORGANIZATION, f"{SETS}.delegated_administrator": False}, value)
        for name, value in (
            ("permission_model", "service-managed"),
            ("organizational_units", ["r-ab12"]),
            ("delegated_administrator", True),
        )
    },
    "edge.custom_sign_in": ({"recovery": options.UNSET}, True),  # with a recovery region it is so anyway
}


@cache
def varied() -> list[tuple[str, Rendering]]:
    """Each environment and account with one option changed, by option; the bases come first."""
    return [
        ("", rendered_environment(BASE)),
        *(
            (path, rendered_environment(row))
            for path, row in variations(ENVIRONMENT_OPTIONS, BASE, options.possible_environment)
        ),
        *(
            (path, rendered_environment({**BASE, **with_, path: value}))
            for path, (with_, value) in ENVIRONMENT_TOGETHER.items()
        ),
        ("", rendered_account(ACCOUNT_BASE)),
        *(
            (path, rendered_account(row))
            for path, row in variations(ACCOUNT_OPTIONS, ACCOUNT_BASE, options.possible_account)
        ),
        *(
            (path, rendered_account({**ACCOUNT_BASE, **with_, path: ACCOUNT_OPTIONS[path][1]}))
            for path, with_ in TOGETHER.items()
        ),
    ]


def test_every_option_changes_something():
    """The model holds no key that no layer reads."""
    for model, values in ((Environment, ENVIRONMENT_OPTIONS), (Account, ACCOUNT_OPTIONS)):
        mine = [(path, r) for path, r in varied() if isinstance(r.rendered.subject, model)]
        base = mine[0][1].rendered.files
        alive = {path for path, rendering in mine if rendering.rendered.files != base}
        assert {path for path, choices in values.items() if len(choices) > 1} <= alive


def fixed(rendering: Rendering) -> Iterator[tuple[tuple[str, str, str], dict[str, Any], str]]:
    """Every resource with a fixed name in a region: where and what it is, what is create-only, its id."""
    for case in cases(rendering):
        for (logical_id, name), text in fixed_names(case.template).items():
            resource = case.resources[logical_id]
            create = {path.split(".")[0] for path in create_only(resource["Type"])}
            properties = {k: v for k, v in resource["Properties"].items() if k in create}
            for region in case.stack["regions"]:
                values = settled(properties, case.template, region)
                yield (region, resource["Type"], text), values, f"{case.stack['name']}/{logical_id}.{name}"


def settled(node: Any, template: dict[str, Any], region: str) -> Any:
    """A value with its parameters and mappings looked up, as it arrives in a region."""
    if isinstance(node, dict):
        if node.keys() == {"Ref"} and node["Ref"] in template.get("Parameters", {}):
            return template["Parameters"][node["Ref"]]["Default"]
        if node.keys() == {"Fn::FindInMap"}:
            name, _, key = node["Fn::FindInMap"]
            return template["Mappings"][name][region][key]
        return {key: settled(value, template, region) for key, value in node.items()}
    return [settled(value, template, region) for value in node] if isinstance(node, list) else node


def test_no_option_changes_a_create_only_property_while_the_name_stays():
    seen: dict[tuple[str, str, str], dict[str, Any]] = {}
    compared = 0
    for path, rendering in varied():
        for place, properties, where in fixed(rendering):
            assert seen.setdefault(place, properties) == properties, f"{path} would replace {where}"
            compared += 1
    assert compared > len(seen) > 10


def test_a_fixed_name_belongs_to_one_resource():
    for rendering in combinations():
        owners: dict[tuple[str, str, str], str] = {}
        for place, _, where in fixed(rendering):
            assert owners.setdefault(place, where) == where


def test_stateful_resources_keep_their_identity_whatever_feature_is_switched():
    """But for those that name the deployment (account, project, region and name make it another one), and the
    zone that is somebody else's: only what stops to be ours may go. Another engine is another database (the
    ledger refuses it), and what recovery alone needs goes with it.
    """
    base = varied()[0][1]
    another = {"name", "project", "account", "region", "edge.hosted_zone_id", "edge.apex_records"}
    another |= {path for path, (with_, _) in database_options.TOGETHER.items() if "database.engine" in with_}
    of_recovery = ("Replica", "GlobalCluster")
    for path, rendering in varied():
        if path in another or isinstance(rendering.rendered.subject, Account):
            continue
        for stack in base.manifest["stacks"]:
            for logical_id, resource in stack["resources"].items():
                if resource["stateful"] and not any(word in resource["type"] for word in of_recovery):
                    here = rendering[stack["name"]].resources
                    assert logical_id in here, f"{path} drops {stack['name']}/{logical_id}"
