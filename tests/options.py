"""Values to try for every option of the environment and account files, derived from their models.

Switches, choices and numbers with bounds come from the model itself. What a model cannot say (regions that go
together, address ranges) stands in ``BY_HAND``; ``test_combinations.py`` fails for an option that is in
neither.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Le
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from blueprint.environment import Account, Environment
from blueprint.environment.model import Endpoint
from blueprint.environment.regions import WITHOUT_SERVICE, ZONES
from tests import application_options, database_options

UNSET = None  # the option is left out, so that its default counts
LONGEST_MAIL = "platform-engineering@subsidiary.example.com"
OWN_KEYS = ["one for each account and region"]  # which are known once the environments are; see keys_for
TAGS = {f"key-{number:02d}": f"value {number}" for number in range(40)}


def keys_for(home: str, environments: Iterable[Mapping[str, Any]]) -> list[str]:
    """The ARN of a key for every account and region that ``environments`` and the home region use."""
    places = {
        (region, environment["account"])
        for environment in environments
        for region in (home, environment["region"], *(r["region"] for r in environment.get("recovery", ())))
    }
    key = "key/mrk-1234abcd12ab34cd56ef1234567890ab"
    return [f"arn:aws:kms:{region}:{account}:{key}" for region, account in sorted(places)]


def recovery(*regions: str) -> list[dict[str, str]]:
    return [{"region": region, "cidr": f"10.{100 + i}.0.0/16"} for i, region in enumerate(regions)]


BY_HAND: dict[type[BaseModel], dict[str, list[Any]]] = {
    Environment: {
        "project": ["acme", "ab", "twelve-chars"],
        "account": ["111122223333"],
        "owner": ["platform@example.com", LONGEST_MAIL],
        "domain": ["shop.example.com", "example.com", f"{'a' * 46}.example.com"],
        "tags": [UNSET, TAGS],
        "region": ["eu-west-1", "us-east-1", "us-west-2", "ap-southeast-7"],
        "recovery": [
            UNSET,
            recovery("eu-central-1"),
            recovery("us-east-2", "ap-northeast-2"),
            recovery("ap-northeast-2"),
        ],
        "network.cidr": [UNSET, "172.16.0.0/20", "192.168.0.0/21"],
        "network.zone_ids": [UNSET, {"us-east-1": ["use1-az6", "use1-az5", "use1-az4", "use1-az2"]}],
        "network.interface_endpoints": [UNSET, ["ssm", "kms"], list(get_args(Endpoint))],
        "identity.mobile_callbacks": [UNSET, ["com.example.shop://signed-in"]],
        "identity.social.google": [UNSET, "acme/google"],
        "identity.social.facebook": [UNSET, "acme/facebook"],
        "identity.social.apple": [UNSET, "acme/apple"],
        "identity.social.amazon": [UNSET, "acme/amazon"],
        "identity.email.from_address": [UNSET, "no-reply@shop.example.com"],
        "identity.email.ses_region": [UNSET, "eu-west-1"],
        "edge.hosted_zone_id": [UNSET, "Z0123456789ABCDEFGHIJ"],
        "edge.certificate_authorities": [UNSET, ["letsencrypt.org"]],
        "deployment.stack_sets.organizational_units": [UNSET, ["ou-ab12-cdef3456", "r-ab12"]],
        **application_options.BY_HAND,
        **database_options.BY_HAND,
        # Days that leave the archive its 90 days.
        "storage.log_retention_days": [UNSET, 270, 36_500],
    },
    Account: {
        "project": ["acme"],  # the environments' too, which vary above
        "owner": ["platform@example.com", LONGEST_MAIL],
        "tags": [UNSET, TAGS],
        "home_region": ["eu-west-1", "us-east-1", "ap-southeast-7"],
        "ebs_encryption.key_arns": [UNSET, OWN_KEYS],
        "trail.retention_days": [UNSET, 180, 36_500],
    },
}


def leaves(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """Every option with its dotted path; sections are walked, lists of sections are options themselves."""
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from leaves(kind, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", field


def derived(field: FieldInfo) -> list[Any]:
    """Values that the model itself gives: the default, and the ends of what is allowed."""
    kind, bounds = field.annotation, list(field.metadata)
    if get_origin(kind) is Annotated:
        kind, *more = get_args(kind)
        bounds += more
    if get_origin(kind) in (Union, types.UnionType):
        return []
    if kind is bool:
        return [False, True]
    if get_origin(kind) is Literal:
        choices = list(get_args(kind))
        many = len(choices) > 6  # a scale, not a set of features
        return [UNSET, choices[0], choices[-1]] if many else choices
    if kind is int:
        low = next((bound.ge for bound in bounds if isinstance(bound, Ge)), None)
        high = next((bound.le for bound in bounds if isinstance(bound, Le)), None)
        if low is not None and high is not None:
            return [*dict.fromkeys([UNSET, low, high])] if high - low > 3 else list(range(low, high + 1))
    return []


def options(model: type[BaseModel]) -> dict[str, list[Any]]:
    """Option to values; empty where neither the model nor ``BY_HAND`` knows any."""
    return {path: BY_HAND[model].get(path) or derived(field) for path, field in leaves(model)}


def without_values(model: type[BaseModel]) -> list[str]:
    """A sentence for each option that nobody has said values for: it is tried with its default alone."""
    return [
        path + " has no values to try: add them to BY_HAND in tests/options.py"
        for path, values in options(model).items()
        if not values
    ]


def tried(model: type[BaseModel]) -> dict[str, list[Any]]:
    """Option to values, one at least: unset where none are known, which ``without_values`` tells."""
    return {path: values or [UNSET] for path, values in options(model).items()}


def as_tree(row: Mapping[str, Any]) -> dict[str, Any]:
    """The nested mapping of a file, from dotted paths; what is unset is left out."""
    tree: dict[str, Any] = {}
    for path, value in row.items():
        if value is UNSET:
            continue
        *way, last = path.split(".")
        node = tree
        for step in way:
            node = node.setdefault(step, {})
        node[last] = value
    return tree


# -- what goes together --------------------------------------------------------------------------------


def _enough_zones(row: Mapping[str, Any]) -> bool:
    known = [row[key] for key in ("region",) if key in row]
    known += [entry["region"] for entry in row.get("recovery") or ()]
    own = row.get("network.zone_ids") or {}
    wanted = row.get("network.zones", 2)
    return all(len(own.get(region, ZONES[region])) >= wanted for region in known)


def _services_exist(row: Mapping[str, Any]) -> bool:
    known = {row.get("region"), *(entry["region"] for entry in row.get("recovery") or ())}
    services = row.get("network.interface_endpoints") or ()
    return not any(known & WITHOUT_SERVICE.get(service, set()) for service in services)


def _logs_outlive_the_archive(archive: str, retention: str) -> Callable[[Mapping[str, Any]], bool]:
    def holds(row: Mapping[str, Any]) -> bool:
        if archive not in row or retention not in row:
            return True
        days = {archive: 180, retention: 1096 if retention.startswith("storage") else 2555}
        days.update({key: row[key] for key in days if row[key] is not UNSET})
        return days[retention] >= days[archive] + 90

    return holds


def _own_records_have_a_zone(row: Mapping[str, Any]) -> bool:
    ours = row.get("edge.apex_records", True)
    zone, others = row.get("edge.hosted_zone_id", "any"), row.get("edge.certificate_authorities")
    return bool(ours or (zone and not others))


def _users_fit(row: Mapping[str, Any]) -> bool:
    """Rules of users: threats have a tier, a prepared pool a domain, SES a sender, the invited an address."""

    def is_(key: str, *values: Any) -> bool:
        return key in row and row[key] in values

    threats = is_("identity.threat_protection", "audit", "enforced") and is_("identity.tier", "essentials")
    prepared = is_("identity.replication", "prepared") and is_("edge.custom_sign_in", False)
    moved = row.get("recovery", "unknown")
    mail = is_("identity.email.from_address", UNSET) and is_("identity.email.ses_region", "eu-west-1")
    unknown = row.get("identity.social.facebook") or row.get("identity.social.amazon")
    invited = is_("identity.self_sign_up", False) and unknown
    return not (threats or (prepared and not moved) or mail or invited)


def _organizations_are_told(row: Mapping[str, Any]) -> bool:
    """Units and a delegated administrator go with an organization, and it with units."""
    prefix = "deployment.stack_sets"
    model, units, administrator = (
        row.get(f"{prefix}.{name}", "unknown")
        for name in ("permission_model", "organizational_units", "delegated_administrator")
    )
    wanted = {model == "service-managed"} if model != "unknown" else set()
    wanted |= {bool(units)} if units != "unknown" else set()
    wanted |= {True} if administrator is True else set()
    return len(wanted) < 2


def _own_keys_have_arns(row: Mapping[str, Any]) -> bool:
    mode, keys = "ebs_encryption.mode", "ebs_encryption.key_arns"
    return not row.keys() >= {mode, keys} or (row[mode] == "existing") == bool(row[keys])


def possible_environment(row: dict[str, Any]) -> bool:
    lives = _logs_outlive_the_archive("storage.archive_after_days", "storage.log_retention_days")
    rules = (
        _enough_zones,
        _services_exist,
        lives,
        _own_records_have_a_zone,
        _users_fit,
        _organizations_are_told,
        database_options.fits,
    )
    return all(holds(row) for holds in rules)


def possible_account(row: dict[str, Any]) -> bool:
    lives = _logs_outlive_the_archive("trail.archive_after_days", "trail.retention_days")
    return _own_keys_have_arns(row) and lives(row)
