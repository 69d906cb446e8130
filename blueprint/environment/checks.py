"""Rules that need more than one field: a table of what must hold, which field is blamed, and what helps."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Network
from itertools import combinations

from blueprint.environment.application_checks import APPLICATION_CHECKS
from blueprint.environment.database_checks import DATABASE_CHECKS
from blueprint.environment.finding import Check, Finding, repeated
from blueprint.environment.formats import EXAMPLE_DOMAINS, HOW_TO_GET_A_DOMAIN, is_below, key_place
from blueprint.environment.identity_checks import IDENTITY_CHECKS
from blueprint.environment.model import Account, Environment, Subject
from blueprint.environment.neighbours import overlaps
from blueprint.environment.regions import WITHOUT_SERVICE, ZONES, zone_prefix
from blueprint.environment.tree import joined
from blueprint.problems import Problem

MOST_TAGS = 40  # AWS allows 50 on a resource; ours and the services' own need room
MOST_PATHS = 80  # of the 100 rules that ELB allows a load balancer by default, ours and Beanstalk's take 11
ARCHIVE_MINIMUM = 90  # days that S3 Glacier Flexible Retrieval charges for at least


def _recovery_is_elsewhere(env: Environment) -> Iterator[Finding]:
    for index, region in enumerate(env.recovery_regions):
        field = f"recovery[{index}].region"
        if region == env.region:
            yield Finding(
                field,
                f"{region} is the primary region, which cannot stand in for itself",
                "name another region",
                ("region",),
            )
        elif region in env.recovery_regions[:index]:
            first = f"recovery[{env.recovery_regions.index(region)}].region"
            yield Finding(field, f"{region} is listed twice", "remove one of the two", (first,))


def _ranges_are_apart(env: Environment) -> Iterator[Finding]:
    for (one, first), (other, second) in combinations(env.ranges, 2):
        if IPv4Network(first).overlaps(IPv4Network(second)):
            yield Finding(
                other,
                f"{second} overlaps {first} of {one}, so that the two networks could never be joined",
                f"use a free range, for instance {_free_range(env, second)}",
                (one,),
            )


def _free_range(env: Environment, like: str) -> str:
    """A range as large as ``like`` that overlaps none of the environment."""
    taken = [IPv4Network(cidr) for _, cidr in env.ranges]
    candidates = IPv4Network("10.0.0.0/8").subnets(new_prefix=IPv4Network(like).prefixlen)
    return next(str(network) for network in candidates if not any(map(network.overlaps, taken)))


def _zones_are_enough(env: Environment) -> Iterator[Finding]:
    for index, region in enumerate(env.regions):
        field = f"recovery[{index - 1}].region" if index else "region"
        wanted, override = env.network.zones, env.network.zone_ids.get(region)
        if override is not None and len(override) < wanted:
            yield Finding(
                joined("network.zone_ids", region),
                f"{len(override)} zone ids for {wanted} zones",
                "add zone ids, or lower network.zones",
                ("network.zones", field),
            )
        elif override is None and len(ZONES[region]) < wanted:
            yield Finding(
                "network.zones",
                f"{region} has {len(ZONES[region])} zones that can be used, not {wanted}",
                f"lower network.zones, or list {wanted} zone ids in network.zone_ids.{region}",
                (field,),
            )


def _zone_ids_fit(env: Environment) -> Iterator[Finding]:
    for region, zones in env.network.zone_ids.items():
        field = joined("network.zone_ids", region)
        for index, zone in enumerate(zones):
            if not zone.startswith(zone_prefix(region)):
                yield Finding(
                    f"{field}[{index}]",
                    f"{zone} is not a zone of {region}",
                    f"its zone ids are {', '.join(ZONES[region])}",
                )
            elif zone in zones[:index]:
                yield Finding(f"{field}[{index}]", f"{zone} is listed twice", "remove one of the two")


def _endpoints_once(env: Environment) -> Iterator[Finding]:
    return repeated("network.interface_endpoints", env.network.interface_endpoints)


def _endpoints_exist(env: Environment) -> Iterator[Finding]:
    for index, name in enumerate(env.network.interface_endpoints):
        lacking = WITHOUT_SERVICE.get(name, frozenset())
        for number, region in enumerate(env.regions):
            if region in lacking:
                yield Finding(
                    f"network.interface_endpoints[{index}]",
                    f"{region} has no {name}, and one template serves all regions of the environment",
                    "remove it, or choose another region",
                    (f"recovery[{number - 1}].region" if number else "region",),
                )


def _logs_outlive_archiving(env: Environment) -> Iterator[Finding]:
    storage = env.storage
    least = storage.archive_after_days + ARCHIVE_MINIMUM
    if storage.log_retention_days < least:
        yield Finding(
            "storage.log_retention_days",
            f"{storage.log_retention_days} days are too short: logs move to an "
            f"archive after {storage.archive_after_days} days and are charged there for {ARCHIVE_MINIMUM}",
            f"use at least {least}, or lower storage.archive_after_days",
            ("storage.archive_after_days",),
        )


def _apex_records_have_a_zone(env: Environment) -> Iterator[Finding]:
    if not env.edge.apex_records and not env.edge.hosted_zone_id:
        yield Finding(
            "edge.apex_records",
            "a new zone has no records but ours, and the domain needs an address",
            "remove it, or name the existing zone in edge.hosted_zone_id",
            ("edge.hosted_zone_id",),
        )
    if not env.edge.apex_records and env.edge.certificate_authorities:
        yield Finding(
            "edge.certificate_authorities",
            "the domain's CAA record is not ours, so that nothing can be added to it",
            "add them to the existing record, or remove edge.apex_records",
            ("edge.apex_records",),
        )


def _trail_outlives_archiving(account: Account) -> Iterator[Finding]:
    trail = account.trail
    least = trail.archive_after_days + ARCHIVE_MINIMUM
    if trail.retention_days < least:
        yield Finding(
            "trail.retention_days",
            f"{trail.retention_days} days are too short: records move to an archive "
            f"after {trail.archive_after_days} days and are charged there for {ARCHIVE_MINIMUM}",
            f"use at least {least}, or lower trail.archive_after_days",
            ("trail.archive_after_days",),
        )


def _existing_keys_are_given(account: Account) -> Iterator[Finding]:
    mode, keys = account.ebs_encryption.mode, account.ebs_encryption.key_arns
    if mode == "existing" and not keys:
        yield Finding(
            "ebs_encryption.key_arns",
            "mode existing needs a key for every account and region, and none is given",
            "add key_arns: [ARN, ARN], or use mode: create",
            ("ebs_encryption.mode",),
        )
    if mode != "existing" and keys:
        yield Finding(
            "ebs_encryption.key_arns",
            f"keys are given, and mode {mode} uses none",
            "use mode: existing, or remove key_arns",
            ("ebs_encryption.mode",),
        )
    first: dict[tuple[str, str], int] = {}
    for index, arn in enumerate(keys):
        account_id, region = key_place(arn)
        earlier = first.setdefault((account_id, region), index)
        if earlier != index:
            yield Finding(
                f"ebs_encryption.key_arns[{index}]",
                f"there are two keys for account {account_id} in {region}",
                "remove one of the two",
                (f"ebs_encryption.key_arns[{earlier}]",),
            )


def _existing_keys_fit_the_rollout(account: Account) -> Iterator[Finding]:
    if account.ebs_encryption.mode != "existing":
        return
    given = [key_place(arn) for arn in account.ebs_encryption.key_arns]
    for account_id, regions in account.rollout.items():
        for region in regions:
            if (account_id, region) not in given:
                yield Finding(
                    "ebs_encryption.key_arns",
                    f"there is no key for account {account_id} in {region}, which is in use",
                    f"add the ARN of one, arn:aws:kms:{region}:{account_id}:key/..., or use mode: create",
                )
    for index, (account_id, region) in enumerate(given):
        field = f"ebs_encryption.key_arns[{index}]"
        if account_id not in account.rollout:
            known = ", ".join(account.rollout)
            yield Finding(
                field,
                f"no environment uses account {account_id} of this key",
                f"remove it, or mend its account; in use: {known}",
            )
        elif region not in account.rollout[account_id]:
            known = ", ".join(account.rollout[account_id])
            yield Finding(
                field,
                f"account {account_id} does not use {region}, where this key lives",
                f"remove it, or mend its region; in use: {known}",
            )


def _tags_fit(subject: Subject) -> Iterator[Finding]:
    if len(subject.tags) > MOST_TAGS:
        yield Finding("tags", f"{len(subject.tags)} tags, and AWS leaves room for {MOST_TAGS}", "remove some")
    seen: dict[str, str] = {}
    for key in subject.tags:
        if key.lower() in seen:
            yield Finding(
                joined("tags", key),
                f"{key} and {seen[key.lower()]} differ in case only, which IAM refuses",
                "remove one of the two",
            )
        seen[key.lower()] = key


def notices(subject: Subject) -> Iterator[Problem]:
    """What renders well and yet cannot be deployed as it is, or will be regretted."""
    if isinstance(subject, Account):
        yield from overlaps(subject.environments)
    if isinstance(subject, Environment) and is_below(subject.domain, EXAMPLE_DOMAINS):
        yield Problem(
            f"{subject.domain} is a name for examples: it renders, but Route 53 and certificate authorities "
            "refuse it",
            subject.where("domain"),
            f"before you deploy, {HOW_TO_GET_A_DOMAIN}",
            "ENV081",
        )


def _organizations_are_told(env: Environment) -> Iterator[Finding]:
    sets, field = env.deployment.stack_sets, "deployment.stack_sets"
    managed = sets.permission_model == "service-managed"
    if managed and not sets.organizational_units:
        yield Finding(
            f"{field}.permission_model",
            "service-managed stack sets roll out to organizational units, and none is given",
            f"add {field}.organizational_units, or use self-managed",
            (f"{field}.organizational_units",),
        )
    given = {
        "organizational_units": sets.organizational_units,
        "delegated_administrator": sets.delegated_administrator,
    }
    for name in [name for name, value in given.items() if value and not managed]:
        yield Finding(
            f"{field}.{name}",
            "it is of service-managed stack sets, and these are self-managed",
            f"remove it, or set {field}.permission_model to service-managed",
            (f"{field}.permission_model",),
        )


CHECKS: tuple[Check[Environment], ...] = (
    Check(
        "ENV050", "A recovery region is not the primary region, and is listed once.", _recovery_is_elsewhere
    ),
    Check("ENV051", "The address ranges of all regions are apart.", _ranges_are_apart),
    Check("ENV052", "Every region has as many zones as the environment wants.", _zones_are_enough),
    Check("ENV053", "Zone ids belong to their region, each once.", _zone_ids_fit),
    Check(
        "ENV054", "Logs are kept for 90 days after they were archived, or longer.", _logs_outlive_archiving
    ),
    Check("ENV055", "There are at most 40 tags, and no two differ in case only.", _tags_fit),
    Check("ENV056", "An interface endpoint is listed once.", _endpoints_once),
    Check("ENV057", "An interface endpoint is of a service that every region has.", _endpoints_exist),
    Check("ENV080", "Records of the domain that are not ours stand in a zone.", _apex_records_have_a_zone),
    Check("ENV121", "Service-managed stack sets have organizational units.", _organizations_are_told),
    *APPLICATION_CHECKS,
    *DATABASE_CHECKS,
    *IDENTITY_CHECKS,
)

ACCOUNT_CHECKS: tuple[Check[Account], ...] = (
    Check("ENV055", "There are at most 40 tags, and no two differ in case only.", _tags_fit),
    Check(
        "ENV060", "The trail is kept for 90 days after it was archived, or longer.", _trail_outlives_archiving
    ),
    Check(
        "ENV061",
        "Keys for EBS are given with mode existing, one for an account and region.",
        _existing_keys_are_given,
    ),
)

#: Once the environments of the folder have said which accounts and regions there are.
ROLLOUT_CHECKS: tuple[Check[Account], ...] = (
    Check(
        "ENV063",
        "With mode existing there is a key for each account and region in use, and no other.",
        _existing_keys_fit_the_rollout,
    ),
)
