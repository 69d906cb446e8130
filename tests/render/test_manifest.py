"""The manifest holds everything that a deployment needs, in a published format."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from troposphere.iam import Role

from blueprint.render import manifest, render
from blueprint.stacks.places import Place
from tests.conftest import RECOVERY, SHIPPED, load_example, load_shipped
from tests.json_schema import violations
from tests.small import stack_of

BOTH = (Place.PRIMARY, Place.RECOVERY)
TEXTS = {"group": "G", "label": "L", "description": "D"}
SCHEMA = json.loads(Path(manifest.__file__).with_name("manifest.schema.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def shipped() -> Callable[[str], dict[str, Any]]:
    return lambda name: json.loads(manifest.to_bytes(load_shipped(name).manifest))


@pytest.fixture(scope="module")
def example() -> dict[str, Any]:
    """The manifest of the example's prod, which has a recovery region."""
    return json.loads(manifest.to_bytes(load_example("prod").manifest))


# -- the published format ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_manifest_is_what_the_schema_says(shipped, name):
    assert list(violations(SCHEMA, shipped(name))) == []


def without(path: str) -> Callable[[dict[str, Any]], None]:
    def change(data: dict[str, Any]) -> None:
        *way, last = path.split(".")
        for step in way:
            data = data[int(step) if step.isdigit() else step]
        del data[last]

    return change


def some(data: dict[str, Any], what: str) -> dict[str, Any]:
    """A parameter, or an import, of the first stack that has any."""
    found: dict[str, Any] = next(entry for stack in data["stacks"] for entry in stack[what])
    return found


BROKEN: dict[str, Callable[[dict[str, Any]], None]] = {
    "no steps": without("steps"),
    "a stack without its hash": without("stacks.0.sha256"),
    "a step without its region": without("steps.0.region"),
    "another version": lambda data: data.update(version=2),
    "an unknown key": lambda data: data.update(comment="hello"),
    "an unknown key of a step": lambda data: data["steps"][0].update(comment="hello"),
    "an unknown key of a parameter": lambda data: some(data, "parameters").update(secret="x"),
    "an import without its place": lambda data: some(data, "imports").pop("in"),
    "a place that is none": lambda data: data["steps"][0].update(place="moon"),
    "a capability that is none": lambda data: data["stacks"][0].update(capabilities=["ALL"]),
    "a file elsewhere": lambda data: data["stacks"][0].update(file="../../etc/passwd"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_the_schema_refuses(example, name):
    data = copy.deepcopy(example)
    BROKEN[name](data)
    assert list(violations(SCHEMA, data)), name


def described(node: Any, path: str = "") -> Iterator[tuple[str, bool]]:
    """Every property of the schema with whether it says what it is."""
    if isinstance(node, dict):
        for name, child in node.get("properties", {}).items():
            yield f"{path}/{name}", bool(child.get("description"))
        for key, child in node.items():
            children = child.items() if key == "properties" else [(key, child)]
            for name, each in children:
                yield from described(each, f"{path}/{name}")
    elif isinstance(node, list):
        for child in node:
            yield from described(child, path)


def test_every_key_of_the_format_is_described():
    keys = dict(described(SCHEMA))
    assert len(keys) > 60
    assert [key for key, has_text in keys.items() if not has_text] == []


def test_every_object_of_the_format_is_closed():
    def objects(node: Any) -> Iterator[dict[str, Any]]:
        if isinstance(node, dict):
            if node.get("type") == "object":
                yield node
            for child in node.values():
                yield from objects(child)
        elif isinstance(node, list):
            for child in node:
                yield from objects(child)

    found = list(objects(SCHEMA))
    assert len(found) > 10
    assert [node for node in found if "additionalProperties" not in node] == []


def test_the_version_of_the_format_is_that_of_the_schema():
    assert SCHEMA["properties"]["version"]["const"] == manifest.VERSION


# -- what it holds -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SHIPPED)
def test_every_template_is_known_by_its_hash_and_size(name):
    rendering = load_shipped(name)
    files = rendering.rendered.files
    for stack in rendering.manifest["stacks"]:
        body = files[stack["file"]]
        assert stack["sha256"] == hashlib.sha256(body).hexdigest()
        assert stack["bytes"] == len(body)
    assert set(files) == {stack["file"] for stack in rendering.manifest["stacks"]} | {manifest.FILE_NAME}


@pytest.mark.parametrize("name", SHIPPED)
def test_stacks_stand_in_the_order_of_their_first_step(shipped, name):
    data = shipped(name)
    first = list(dict.fromkeys(step["stack"] for step in data["steps"]))
    assert [stack["name"] for stack in data["stacks"]] == first


@pytest.mark.parametrize("name", SHIPPED)
def test_waves_hold_every_step_once_and_none_before_what_it_needs(shipped, name):
    data = shipped(name)
    steps = {step["step"]: step for step in data["steps"]}
    assert [number for wave in data["waves"] for number in wave] == list(steps) == [*range(1, len(steps) + 1)]
    for index, wave in enumerate(data["waves"], start=1):
        for number in wave:
            assert steps[number]["wave"] == index
            assert all(steps[need]["wave"] < index for need in steps[number]["needs"])


@pytest.mark.parametrize("name", SHIPPED)
def test_every_import_is_exported_in_its_region_by_a_step_that_comes_before(shipped, name):
    data = shipped(name)
    stacks = {stack["name"]: stack for stack in data["stacks"]}
    exports: dict[tuple[str, str, str], int] = {}
    for step in data["steps"]:
        for output in stacks[step["stack"]]["outputs"]:
            exports.setdefault((step["account"], step["region"], output["export"]), step["step"])
        for imported in stacks[step["stack"]]["imports"]:
            bound = imported["in"] == "primary" and step["kind"] == "stack-set-instance"
            if imported["by"] == "Fn::ImportValue" and not bound:
                number = exports[step["account"], step["region"], imported["export"]]
                assert number in step["needs"]


def test_what_is_imported_in_the_primary_only_is_bound_elsewhere_and_waited_for(example):
    data = example
    stacks = {stack["name"]: stack for stack in data["stacks"]}
    seen = 0
    for step in data["steps"]:
        given = [value["from"] for value in step["parameters"].values() if isinstance(value, dict)]
        bound = {(source["stack"], source["output"]) for source in given}
        for imported in stacks[step["stack"]]["imports"]:
            if imported["in"] == "primary" and step["kind"] == "stack-set-instance":
                assert (imported["stack"], imported["output"]) in bound
                seen += 1
    assert seen


@pytest.mark.parametrize("read_everywhere_too", [False, True])
def test_an_import_is_of_the_primary_only_where_nothing_else_reads_it(env, read_everywhere_too):
    subject = env(**RECOVERY)
    source, asker = stack_of(subject, "source", *BOTH), stack_of(subject, "asker", *BOTH)
    asker.from_primary("SourceId", stack="source", output="Id", pattern=".+", **TEXTS)
    if read_everywhere_too:
        asker.output_of("source", "Id")
    data = render(subject, {"x": lambda subject: [source, asker]}).manifest
    (stack,) = (stack for stack in data["stacks"] if stack["name"] == "asker")
    assert [i["in"] for i in stack["imports"]] == ["everywhere" if read_everywhere_too else "primary"]


def test_the_outputs_that_are_bound_are_among_those_of_the_step_that_is_waited_for(example):
    bound = [
        (step, value["from"])
        for step in example["steps"]
        for value in step["parameters"].values()
        if isinstance(value, dict)
    ]
    assert bound
    for step, source in bound:
        needed = [example["steps"][number - 1] for number in step["needs"]]
        assert (source["stack_name"], source["region"]) in {(s["stack_name"], s["region"]) for s in needed}
        (stack,) = (stack for stack in example["stacks"] if stack["name"] == source["stack"])
        assert source["output"] in {output["name"] for output in stack["outputs"]}


def one(env, *places: Place, **over: Any):
    stack = stack_of(env(**over), "data", *(places or BOTH))
    return stack, lambda: render(stack.subject, {"data": lambda subject: [stack]}).manifest


def test_a_bound_parameter_is_bound_in_recovery_and_nowhere_else(env):
    stack, made = one(env, **RECOVERY)
    stack.bound_parameter("KeyArn", stack="data", output="Id", pattern=".+", **TEXTS)
    data = made()
    primary, recovery = data["steps"]
    assert primary["parameters"] == {}
    assert recovery["parameters"] == {
        "KeyArn": {
            "from": {"stack": "data", "stack_name": "acme-prod-data", "region": "eu-west-1", "output": "Id"}
        }
    }
    (parameter,) = data["stacks"][0]["parameters"]
    assert parameter["binding"] == {"in": "recovery", "from": {"stack": "data", "output": "Id"}}


def test_recovery_steps_are_instances_of_stack_sets(env):
    _, made = one(env, **RECOVERY)
    assert [step["kind"] for step in made()["steps"]] == ["stack", "stack-set-instance"]


def test_a_pass_is_data_with_its_value_and_its_reason(env):
    stack, made = one(env)
    parameter = stack.parameter("Replicate", "false", constraint="C", **TEXTS)
    stack.second_pass(parameter, "true", after=["data"], why="both must exist")
    data = json.loads(manifest.to_bytes(made()))
    assert data["stacks"][0]["passes"] == [
        {"parameter": "Replicate", "value": "true", "after": ["data"], "why": "both must exist"}
    ]
    assert [(step["pass"], step["parameters"]) for step in data["steps"]] == [
        (0, {}),
        (1, {"Replicate": "true"}),
    ]
    assert list(violations(SCHEMA, data)) == []


def test_secrets_are_listed_by_name_and_never_by_value(env):
    stack, made = one(env)
    stack.require_secret("acme/prod/google", "Client secret")
    assert made()["secrets"] == [
        {"stack": "data", "name": "acme/prod/google", "description": "Client secret"}
    ]


def test_every_resource_can_be_traced_to_its_layer_and_to_the_setting_that_caused_it(shipped):
    for name in SHIPPED:
        for stack in shipped(name)["stacks"]:
            assert stack["resources"]
            for logical_id, resource in stack["resources"].items():
                layer = resource["source"].partition(":")[0].rpartition(".")[2].lstrip("_")
                assert layer.startswith(stack["layer"]), (stack["name"], logical_id)


def test_settings_that_resources_name_exist_in_the_environment_file(example):
    from blueprint.environment import Environment

    settings = {
        resource["setting"] for stack in example["stacks"] for resource in stack["resources"].values()
    } - {""}
    assert settings
    for setting in settings:
        model: Any = Environment
        for step in setting.split("."):
            model = model.model_fields[step].annotation


def test_stateful_resources_are_marked(env):
    _, made = one(env)
    assert made()["stacks"][0]["resources"]["Bucket"]["stateful"] is True


def test_capabilities_of_a_step_are_those_of_its_template(env):
    stack, made = one(env)
    stack.add(Role("Role", AssumeRolePolicyDocument={"Version": "2012-10-17"}))
    data = made()
    assert data["stacks"][0]["capabilities"] == data["steps"][0]["capabilities"] == ["CAPABILITY_IAM"]


def test_an_import_is_listed_once_however_often_it_is_used(env):
    subject = env()
    source, asker = stack_of(subject, "source"), stack_of(subject, "asker")
    asker.output_of("source", "Id")
    asker.output_of("source", "Id")
    data = render(subject, {"x": lambda subject: [source, asker]}).manifest
    (stack,) = (stack for stack in data["stacks"] if stack["name"] == "asker")
    assert stack["imports"] == [
        {
            "stack": "source",
            "output": "Id",
            "by": "Fn::ImportValue",
            "in": "everywhere",
            "export": "acme:prod:source:Id",
        }
    ]


def test_the_manifest_of_the_account_names_accounts_and_their_regions(rendered_account):
    assert rendered_account(RECOVERY).manifest["regions"] == {
        "home": "eu-west-1",
        "accounts": {"111122223333": ["eu-west-1", "eu-central-1"]},
    }


def test_its_bytes_are_json_that_ends_in_a_newline():
    assert manifest.to_bytes({"a": [1]}) == b'{\n "a": [\n  1\n ]\n}\n'


# -- what a deployment must know --------------------------------------------------------------------------


def test_recovery_is_rolled_out_from_the_first_recovery_region(env):
    """From the primary it could not be, once that is lost."""
    made = render(env(**RECOVERY), {}).manifest["deployment"]["stack_sets"]
    assert made["region"] == "eu-central-1"
    assert (made["permission_model"], made["administration_role"]) == ("SELF_MANAGED", "acme-prod-stack-sets")


def test_without_a_recovery_region_there_are_no_stack_sets(env):
    assert render(env(), {}).manifest["deployment"]["stack_sets"] is None


def test_an_organization_rolls_out_with_its_own_roles(env):
    wish = {"permission_model": "service-managed", "organizational_units": ["r-ab12"]}
    subject = env(**RECOVERY, deployment={"stack_sets": {**wish, "delegated_administrator": True}})
    made = render(subject, {}).manifest["deployment"]["stack_sets"]
    assert made["administration_role"] is None
    assert made["organizational_units"] == ["r-ab12"]
    assert made["call_as"] == "DELEGATED_ADMIN"


def test_the_account_is_always_protected_and_an_environment_as_its_file_says(env, account):
    assert render(account(), {}).manifest["deployment"]["protected"]
    assert not render(env(deployment={"protected": False}), {}).manifest["deployment"]["protected"]


def test_alarms_that_undo_deployments_are_told(env):
    subject = env()
    source = stack_of(subject, "source")
    source.rolls_back_others("Id")
    (stack,) = render(subject, {"x": lambda subject: [source]}).manifest["stacks"]
    assert stack["alarms"] == ["Id"]
