"""The regions of the commercial partition, the zone ids we use in each, in that order, and what some lack.

As of 2026-11-23. Source: "AWS Availability Zones" in the AWS global-infrastructure guide
(docs.aws.amazon.com/global-infrastructure/latest/regions/aws-availability-zones.html).

Zone *ids* name the same building in every account; zone names (``us-east-1a``) do not in older regions.
An environment takes the first ``network.zones`` of a row, so a row only ever grows at its end: a changed
order would move the subnets of running environments. What is left out, or stands late, on purpose:

- ``use1-az3`` lacks most current instance families and several services; ``use1-az5`` comes last for a
  milder form of the same.
- ``usw1-az2`` and ``apne1-az3`` are closed to newer accounts (the guide: "newer accounts can access two"
  zones in us-west-1), so us-west-1 has two.
- ``euw2-az4`` is new: it may be appended once instance families have arrived.
- ``sae1-az2``, ``apne2-az2`` and ``apne2-az4`` come late: they long had fewer instance families.

``network.zone_ids`` in an environment file overrides a row.

A region stands here only while the validators have resource schemas for it, or nothing could be said about
its templates: cfn-lint 1.58 has none for ``me-south-1`` (its zones are ``mes1-az1`` to ``mes1-az3``), so that
it is left out until a later release has them again.
"""

from __future__ import annotations


def _zones(prefix: str, *numbers: int) -> tuple[str, ...]:
    return tuple(f"{prefix}-az{number}" for number in numbers)


ZONES: dict[str, tuple[str, ...]] = {
    "af-south-1": _zones("afs1", 1, 2, 3),
    "ap-east-1": _zones("ape1", 1, 2, 3),
    "ap-east-2": _zones("ape2", 1, 2, 3),
    "ap-northeast-1": _zones("apne1", 1, 2, 4),
    "ap-northeast-2": _zones("apne2", 1, 3, 2, 4),
    "ap-northeast-3": _zones("apne3", 1, 2, 3),
    "ap-south-1": _zones("aps1", 1, 2, 3),
    "ap-south-2": _zones("aps2", 1, 2, 3),
    "ap-southeast-1": _zones("apse1", 1, 2, 3),
    "ap-southeast-2": _zones("apse2", 1, 2, 3),
    "ap-southeast-3": _zones("apse3", 1, 2, 3),
    "ap-southeast-4": _zones("apse4", 1, 2, 3),
    "ap-southeast-5": _zones("apse5", 1, 2, 3),
    "ap-southeast-6": _zones("apse6", 1, 2, 3),
    "ap-southeast-7": _zones("apse7", 1, 2, 3),
    "ca-central-1": _zones("cac1", 1, 2, 4),
    "ca-west-1": _zones("caw1", 1, 2, 3),
    "eu-central-1": _zones("euc1", 1, 2, 3),
    "eu-central-2": _zones("euc2", 1, 2, 3),
    "eu-north-1": _zones("eun1", 1, 2, 3),
    "eu-south-1": _zones("eus1", 1, 2, 3),
    "eu-south-2": _zones("eus2", 1, 2, 3),
    "eu-west-1": _zones("euw1", 1, 2, 3),
    "eu-west-2": _zones("euw2", 1, 2, 3),
    "eu-west-3": _zones("euw3", 1, 2, 3),
    "il-central-1": _zones("ilc1", 1, 2, 3),
    "me-central-1": _zones("mec1", 1, 2, 3),
    "mx-central-1": _zones("mxc1", 1, 2, 3),
    "sa-east-1": _zones("sae1", 1, 3, 2),
    "us-east-1": _zones("use1", 1, 2, 4, 6, 5),
    "us-east-2": _zones("use2", 1, 2, 3),
    "us-west-1": _zones("usw1", 1, 3),
    "us-west-2": _zones("usw2", 1, 2, 3, 4),
}

#: Services of ``network.interface_endpoints`` that a region does not have, by service. As of 2026-11-23.
#:
#: ec2messages: the Systems Manager User Guide ("Reference: ec2messages, ssmmessages, and other API
#: operations") has it for regions launched before 2024 only; agents from 3.3.40 on do without it. The rule is
#: the guide's; the regions are those launched since, by AWS's announcements, not asked of AWS one by one.
#: No other service was looked up: there a deployment may still find that a region lacks it.
WITHOUT_SERVICE: dict[str, frozenset[str]] = {
    "ec2messages": frozenset(
        {"ap-east-2", "ap-southeast-5", "ap-southeast-6", "ap-southeast-7", "mx-central-1"}
    ),
}

#: Regions that every account has; whoever uses another has enabled it first. AWS adds none: every region
#: since March 2019 is to be enabled (AWS Account Management Guide, "Enable or disable AWS Regions").
ENABLED_BY_DEFAULT = frozenset(
    {
        "ap-northeast-1",
        "ap-northeast-2",
        "ap-northeast-3",
        "ap-south-1",
        "ap-southeast-1",
        "ap-southeast-2",
        "ca-central-1",
        "eu-central-1",
        "eu-north-1",
        "eu-west-1",
        "eu-west-2",
        "eu-west-3",
        "sa-east-1",
        "us-east-1",
        "us-east-2",
        "us-west-1",
        "us-west-2",
    }
)

#: Regions of other partitions begin like this: other ARNs, other accounts, and fewer services.
OTHER_PARTITIONS = {
    "cn-": "AWS China",
    "us-gov-": "AWS GovCloud",
    "us-iso": "an isolated AWS partition",
    "eu-isoe-": "an isolated AWS partition",
    "eusc-": "the AWS European Sovereign Cloud",
}


def zone_prefix(region: str) -> str:
    """What every zone id of ``region`` begins with, for instance ``euw1-az``."""
    return ZONES[region][0].rstrip("0123456789")
