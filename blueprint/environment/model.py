"""What an environment file and the account file may say: types, units, ranges, defaults and their reasons.

Types only. Files and lines are ``load.py``'s work, rules that need two fields are ``checks.py``'s. The JSON
Schema for editors and the reference page derive from this module (``schema.py``), so a description here is
all the documentation an option needs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, PrivateAttr
from pydantic.config import JsonDict

from blueprint.environment import formats
from blueprint.environment.application_model import Application
from blueprint.environment.cidr import MOST_ZONES
from blueprint.environment.database_model import Cache, Database
from blueprint.environment.deployment_model import Deployment
from blueprint.environment.edge_model import Edge
from blueprint.environment.identity_model import Identity
from blueprint.environment.regions import ZONES
from blueprint.environment.section import LogDays, Section, Whole, YesNo
from blueprint.problems import Where

Endpoint = Literal[
    "autoscaling",
    "cloudformation",
    "ec2",
    "ec2messages",
    "elasticbeanstalk",
    "elasticbeanstalk-health",
    "elasticloadbalancing",
    "events",
    "kms",
    "lambda",
    "logs",
    "monitoring",
    "secretsmanager",
    "sns",
    "sqs",
    "ssm",
    "ssmmessages",
    "sts",
    "xray",
]


def _pattern(pattern: str, words: str) -> JsonDict:
    """For editors: what the text must match, and what to say when it does not."""
    return {"pattern": f"^({pattern})$", "patternErrorMessage": words}


_REGIONS: JsonDict = {"enum": [*ZONES]}
_ACCOUNT: JsonDict = {"type": ["string", "integer"], **_pattern(formats.ACCOUNT, "12 digits")}

Region = Annotated[str, AfterValidator(formats.region), Field(json_schema_extra=_REGIONS)]
Domain = Annotated[str, AfterValidator(formats.domain), Field(json_schema_extra={"format": "hostname"})]
Mail = Annotated[str, AfterValidator(formats.mail), Field(json_schema_extra={"format": "email"})]
Cidr = Annotated[
    str,
    AfterValidator(formats.vpc_cidr),
    Field(json_schema_extra=_pattern(formats.CIDR, "address range such as 10.0.0.0/16")),
]
Project = Annotated[
    str,
    AfterValidator(formats.project),
    Field(json_schema_extra=_pattern(formats.NAME, "lower-case letters, digits, single hyphens")),
]
# Numbers are taken as they were written, so that account ids and versions need no quotes.
AccountId = Annotated[
    str,
    BeforeValidator(formats.as_written),
    AfterValidator(formats.account),
    Field(json_schema_extra=_ACCOUNT),
]
TagKey = Annotated[str, AfterValidator(formats.tag_key)]
TagText = Annotated[
    str,
    BeforeValidator(formats.as_written),
    AfterValidator(formats.tag_value),
    Field(json_schema_extra={"type": ["string", "number"]}),
]
ZoneId = Annotated[
    str,
    AfterValidator(formats.zone_id),
    Field(json_schema_extra=_pattern(formats.ZONE_ID, "zone id such as euw1-az1")),
]
KeyArn = Annotated[
    str,
    AfterValidator(formats.key_arn),
    Field(json_schema_extra=_pattern(formats.KEY_ARN, "ARN of a KMS key")),
]


class Recovery(Section):
    """A region that stands ready to take over."""

    region: Region = Field(
        description="Region code, not the primary's.",
        examples=["eu-central-1"],
    )
    cidr: Cidr = Field(
        description="Address range of its VPC, /16 to /22; must overlap no other region's.",
        examples=["10.1.0.0/16"],
    )


class FlowLogs(Section):
    """Records of the network's traffic, in CloudWatch Logs."""

    traffic: Literal["all", "reject"] = Field(
        default="all", description="What is recorded: all traffic, or only what was rejected (much cheaper)."
    )
    retention_days: LogDays = Field(default=90, description="How long records are kept, in days.")


class Network(Section):
    """The VPC of each region and its ways out."""

    cidr: Cidr = Field(
        default="10.0.0.0/16",
        description="Address range of the primary region's VPC: private (RFC 1918), /16 to /22. "
        "Cannot be changed once deployed, and networks that overlap can never be joined.",
    )
    zones: Whole = Field(
        default=3,
        ge=2,
        le=MOST_ZONES,
        description="Availability zones in use, 2 to 4. One more adds subnets and changes none.",
    )
    zone_ids: dict[Region, tuple[ZoneId, ...]] = Field(
        default_factory=dict,
        examples=[{"us-east-1": ["use1-az1", "use1-az4", "use1-az6"]}],
        description="Zone ids to use in a region, in order, instead of the built-in table's.",
    )
    dual_stack: YesNo = Field(
        default=False,
        description="Whether subnets have IPv6 addresses as well. Decide before the first deployment: "
        "switched later, CloudFormation may replace subnets, with all that stands in them.",
    )
    nat: Literal["regional", "per-zone", "single", "none"] = Field(
        default="regional",
        description="How private subnets reach the internet: one regional NAT gateway that follows the "
        "zones, one gateway per zone, a single one (cheapest; its zone's failure cuts all off), or none.",
    )
    interface_endpoints: tuple[Endpoint, ...] = Field(
        default=(),
        examples=[["ssm", "secretsmanager"]],
        description="AWS services reached inside the VPC (each costs about 7 USD a month and zone). With "
        "`nat: none` everything that private instances need is added by itself.",
    )
    flow_logs: FlowLogs = Field(default=FlowLogs())


class Security(Section):
    """Encryption keys."""

    rotation_days: Whole = Field(
        default=365, ge=90, le=2560, description="Days between rotations of a key, 90 to 2560."
    )
    deletion_window_days: Whole = Field(
        default=30, ge=7, le=30, description="Days in which the deletion of a key can be taken back, 7 to 30."
    )


class Storage(Section):
    """Buckets: when their objects move to cheaper storage, and when they go."""

    archive_after_days: Whole = Field(
        default=180,
        ge=180,
        le=730,
        description="Days after which objects move to an archive, 180 to 730: user uploads after so many "
        "days without access, logs at that age.",
    )
    noncurrent_days: Whole = Field(
        default=90,
        ge=1,
        le=3650,
        description="Days for which overwritten and deleted objects can be brought back, 1 to 3650.",
    )
    log_retention_days: Whole = Field(
        default=1096,
        ge=1,
        le=36500,
        description="Days after which logs are deleted. At least 90 more than archive_after_days, because "
        "archived objects are charged for 90 days at least.",
    )


class Origin:
    """Knows the place that set a value. This one knows none; the loader's does."""

    def where(self, path: str) -> Where:
        return Where(field=path)


class Subject(Section):
    """What environments and the account have in common."""

    project: Project = Field(
        description="Short name of the product, in front of every name in AWS: 2 to 12 lower-case letters, "
        "digits, single hyphens. One for all files of the folder. Where two folders share an AWS account, "
        "project and environment must differ as joined too: project a-b with environment c and project a "
        "with environment b-c would give stacks of the same names.",
        examples=["acme"],
    )
    owner: Mail = Field(
        description="E-mail address of the people to ask; a tag on everything.",
        examples=["platform@example.com"],
    )
    tags: dict[TagKey, TagText] = Field(
        default_factory=dict,
        description="Tags on everything, besides project, environment, stack and owner, which are set "
        "anyway. At most 40; keys up to 128 characters, values up to 256.",
        examples=[{"cost-center": "1234"}],
    )

    _name: str = PrivateAttr(default="")
    _origin: Origin = PrivateAttr(default=Origin())

    @property
    def name(self) -> str:
        """The stem of the file name; ``account`` for the account."""
        return self._name

    @property
    def all_tags(self) -> dict[str, str]:
        """The tags of every resource, save for the stack's name."""
        return {**self.tags, "project": self.project, "environment": self.name, "owner": self.owner}

    def where(self, path: str) -> Where:
        """The place that set ``path`` (``network.zones``, ``recovery[0].cidr``), or the file if none did."""
        return self._origin.where(path)


class Environment(Subject):
    """One environment: dev, staging, prod, ..."""

    account: AccountId = Field(description="The AWS account: 12 digits.", examples=["111122223333"])
    region: Region = Field(description="The primary region.", examples=["eu-west-1"])
    domain: Domain = Field(
        description="Domain of the application, lower case, up to 59 characters; api. and auth. go in front. "
        "No other environment of the account may have it.",
        examples=["shop.example.com"],
    )
    recovery: tuple[Recovery, ...] = Field(
        default=(), description="Regions that can take over; the first one does. None, one or more."
    )
    network: Network = Field(default=Network())
    security: Security = Field(default=Security())
    storage: Storage = Field(default=Storage())
    edge: Edge = Field(default=Edge())
    identity: Identity = Field(default=Identity())
    database: Database = Field(default=Database())
    cache: Cache = Field(default=Cache())
    application: Application = Field(default=Application())
    deployment: Deployment = Field(default=Deployment())

    @property
    def api_domain(self) -> str:
        """Where the load balancer answers."""
        return f"api.{self.domain}"

    @property
    def sign_in_domain(self) -> str:
        """Where users sign in, or nothing where a domain of Cognito's is used.

        Always a domain of ours with a recovery region, because only such a one can move to it.
        """
        return f"auth.{self.domain}" if self.recovery or self.edge.custom_sign_in else ""

    @property
    def replicable_users(self) -> bool:
        """Whether the user pool is made so that it can get a replica: its issuer and its key decide that."""
        wish = self.identity.replication
        return wish == "prepared" or (wish == "by-recovery" and bool(self.recovery))

    @property
    def recovery_regions(self) -> tuple[str, ...]:
        return tuple(recovery.region for recovery in self.recovery)

    @property
    def regions(self) -> tuple[str, ...]:
        """The primary region, then the recovery regions."""
        return (self.region, *self.recovery_regions)

    @property
    def ranges(self) -> tuple[tuple[str, str], ...]:
        """Every address range, behind the field that gives it."""
        recovery = ((f"recovery[{n}].cidr", region.cidr) for n, region in enumerate(self.recovery))
        return (("network.cidr", self.network.cidr), *recovery)

    def zone_ids(self, region: str) -> tuple[str, ...]:
        """The zone ids in use in ``region``, in order."""
        return self.network.zone_ids.get(region, ZONES[region])[: self.network.zones]

    def where_chosen(self, region: str) -> Where:
        """The place that chose ``region``. One that nobody chose (us-east-1, for global services) is there
        on account of the environment, whose primary region stands for it."""
        if region in self.recovery_regions:
            return self.where(f"recovery[{self.recovery_regions.index(region)}].region")
        return self.where("region")

    def cidr(self, region: str) -> str:
        """The address range of the VPC in ``region``."""
        if region == self.region:
            return self.network.cidr
        return next(recovery.cidr for recovery in self.recovery if recovery.region == region)


class Trail(Section):
    """The audit trail: who did what in the account."""

    archive_after_days: Whole = Field(
        default=180,
        ge=90,
        le=3650,
        description="Age in days at which records move to an archive, 90 to 3650.",
    )
    retention_days: Whole = Field(
        default=2555,
        ge=1,
        le=36500,
        description="Days for which records are kept (2555: seven years). At least 90 more than "
        "archive_after_days.",
    )


class EbsEncryption(Section):
    """Encryption of every new disk, whoever makes it."""

    mode: Literal["create", "existing", "off"] = Field(
        default="create",
        description="create: a key of our own; existing: the keys of key_arns; off: the account stays as it "
        "is.",
    )
    key_arns: tuple[KeyArn, ...] = Field(
        default=(),
        examples=[["arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"]],
        description="With mode existing: the ARNs of the KMS keys, exactly one for every account and region "
        "that the environments use, the home region included. Each key's policy must let in Auto Scaling's "
        "service-linked role (docs/layers/account.md).",
    )


class Account(Subject):
    """What exists once per account, or once per account and region. One description for every account."""

    home_region: Region = Field(
        description="Region of what exists once per account.",
        examples=["eu-west-1"],
    )
    trail: Trail = Field(default=Trail())
    ebs_encryption: EbsEncryption = Field(default=EbsEncryption())

    _rollout: Mapping[str, tuple[str, ...]] = PrivateAttr(default_factory=dict)
    _chosen: Mapping[str, Where] = PrivateAttr(default_factory=dict)
    _environments: tuple[Environment, ...] = PrivateAttr(default=())

    @property
    def environments(self) -> tuple[Environment, ...]:
        """All that are described beside it."""
        return self._environments

    @property
    def rollout(self) -> Mapping[str, tuple[str, ...]]:
        """Every account, with its regions (home region first), that the environments use."""
        return self._rollout

    def where_chosen(self, region: str) -> Where:
        """The place that brings ``region`` into the rollout: the home region, or an environment's line."""
        return self._chosen.get(region) or self.where("home_region")
