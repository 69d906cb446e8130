"""What an environment file may say of the application: instances, scaling, releases, open paths."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic.config import JsonDict

from blueprint.environment import cron
from blueprint.environment.formats import as_written, refuse
from blueprint.environment.section import Section, Whole, YesNo

#: Retentions that both Elastic Beanstalk and CloudWatch Logs take, in days.
BeanstalkLogDays = Literal[1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1827, 3653]
#: ELB's path patterns: which characters they may hold, and how many (RuleCondition of its API).
PATH = r"/[A-Za-z0-9_.$/~\"'@:+&*?-]{0,127}"
MOST_WILDCARDS = 3  # of the five in a rule: the rest is left for what else the rule says
_ARM = re.compile(r"(a1|[a-z]+[0-9]+g[a-z]*(-[a-z0-9]+)?|[a-z]+[0-9]+[a-z]*-gb[0-9]+)\.[a-z0-9-]+")
_TYPE = r"[a-z][a-z0-9-]*\.[a-z0-9-]+"
MOST_TYPES = 10
_PHP = r"[89]\.[0-9]{1,2}"
_WINDOW = r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun):([01][0-9]|2[0-3]):[0-5][0-9]"
_ROOT = r"/[A-Za-z0-9_./-]*"
_NAME = r"[A-Za-z][A-Za-z0-9]{0,31}"


def _path(text: str) -> str:
    if not re.fullmatch(PATH, text):
        refuse("ENV073", "is no path that a load balancer can match", "for instance /api/*")
    if sum(map(text.count, "*?")) > MOST_WILDCARDS:
        refuse("ENV073", f"has more than {MOST_WILDCARDS} wildcards", "split it, or leave some out")
    return text


def _health_path(text: str) -> str:
    if "*" in text:
        refuse("ENV073", "is asked for as it stands, and has a wildcard", "for instance /health")
    return text


def _instance_type(text: str) -> str:
    if not re.fullmatch(_TYPE, text):
        refuse("ENV074", "is no instance type", "for instance t4g.small")
    return text


def _cron(text: str) -> str:
    if fault := cron.fault(text):
        refuse("ENV075", fault, "for instance 0 7 * * MON-FRI (UTC)")
    return text


def _php(text: str) -> str:
    if not re.fullmatch(_PHP, text):
        refuse("ENV076", "is no version of PHP that Amazon Linux 2023 has", "for instance 8.4")
    return text


def _window(text: str) -> str:
    if not re.fullmatch(_WINDOW, text):
        refuse("ENV077", "is no day and time of a week", "for instance Sun:03:00 (UTC)")
    return text


def _root(text: str) -> str:
    if not re.fullmatch(_ROOT, text):
        refuse("ENV078", "is no folder of a release", "begin with a slash, for instance /public")
    return text


def _name(text: str) -> str:
    if not re.fullmatch(_NAME, text):
        refuse("ENV079", "is not made of 1 to 32 letters and digits", "for instance Morning")
    return text


def _types(types: tuple[str, ...]) -> tuple[str, ...]:
    if not 1 <= len(types) <= MOST_TYPES:
        refuse("ENV074", f"does not list 1 to {MOST_TYPES} instance types", "for instance [t4g.small]")
    return types


def _shown(pattern: str, words: str) -> JsonDict:
    """For editors: what the text must match, and what to say when it does not."""
    return {"pattern": f"^({pattern})$", "patternErrorMessage": words}


Path = Annotated[str, AfterValidator(_path), Field(json_schema_extra=_shown(PATH, "path such as /api/*"))]
HealthPath = Annotated[Path, AfterValidator(_health_path)]
InstanceType = Annotated[
    str, AfterValidator(_instance_type), Field(json_schema_extra=_shown(_TYPE, "instance type"))
]
Cron = Annotated[str, AfterValidator(_cron)]
PhpVersion = Annotated[
    str,
    BeforeValidator(as_written),
    AfterValidator(_php),
    Field(json_schema_extra={"type": ["string", "number"], **_shown(_PHP, "version such as 8.4")}),
]
Window = Annotated[
    str, AfterValidator(_window), Field(json_schema_extra=_shown(_WINDOW, "time such as Sun:03:00"))
]
Root = Annotated[str, AfterValidator(_root), Field(json_schema_extra=_shown(_ROOT, "folder such as /public"))]
Name = Annotated[str, AfterValidator(_name), Field(json_schema_extra=_shown(_NAME, "letters and digits"))]


class Schedule(Section):
    """A change of the number of instances at fixed times."""

    name: Name = Field(description="Name of the schedule: up to 32 letters and digits.", examples=["Morning"])
    at: Cron = Field(
        description="When, as a cron expression in UTC: minute, hour, day, month, weekday.",
        examples=["0 7 * * MON-FRI"],
    )
    min_instances: Whole = Field(
        ge=0, le=1000, description="Fewest instances from then on, 0 to 1000.", examples=[4]
    )
    max_instances: Whole = Field(
        ge=0, le=1000, description="Most instances from then on, 0 to 1000.", examples=[8]
    )


class Scaling(Section):
    """How many instances there are, and what makes it more or fewer."""

    min_instances: Whole = Field(default=2, ge=1, le=1000, description="Fewest instances, 1 to 1000.")
    max_instances: Whole = Field(default=6, ge=1, le=1000, description="Most instances, 1 to 1000.")
    metric: Literal["cpu", "network-in", "network-out"] = Field(
        default="cpu",
        description="What is measured, as an average over the instances: processor (per cent), or bytes "
        "that an instance receives or sends in a minute.",
    )
    out_above: Whole = Field(
        default=60,
        ge=1,
        le=20000000,
        description="More instances when the metric is above this, 1 to 20000000.",
    )
    in_below: Whole = Field(
        default=25,
        ge=0,
        le=20000000,
        description="Fewer instances when the metric is below this, 0 to 20000000.",
    )
    schedules: tuple[Schedule, ...] = Field(
        default=(),
        description="Changes at fixed times. They rest where the environment stands by.",
    )


class Application(Section):
    """Elastic Beanstalk with PHP, and the load balancer in front of it."""

    php: PhpVersion = Field(
        default="8.4",
        description="Version of PHP; with Amazon Linux 2023 it is the platform branch, whose newest "
        "version is looked up at deployment.",
    )
    instance_types: Annotated[tuple[InstanceType, ...], AfterValidator(_types)] = Field(
        default=("t4g.medium", "m7g.medium"),
        description="1 to 10 instance types of one processor architecture, the best first. Without spot "
        "only the first is used.",
    )
    spot: YesNo = Field(
        default=False,
        description="Whether instances above `on_demand_base` are spot instances: cheap, and taken away "
        "with two minutes' notice.",
    )
    on_demand_base: Whole = Field(
        default=0,
        ge=0,
        le=1000,
        description="With spot: so many instances are on demand all the same, 0 to 1000.",
    )
    disk_gb: Whole = Field(
        default=16, ge=10, le=16384, description="Size of an instance's disk in GB, 10 to 16384."
    )
    scaling: Scaling = Field(default=Scaling())
    health_check_path: HealthPath = Field(
        default="/",
        description="Path that the load balancer asks instances for, on port 80 or 443; it must answer "
        "200 without a login. `/` is what the sample application answers before the first release.",
    )
    document_root: Root = Field(
        default="/", description="Folder of a release that is served, for instance /public."
    )
    public_paths: tuple[Path, ...] = Field(
        default=("/health",),
        description="Paths that everybody may call, without signing in. `*` stands for any characters, `?` "
        "for one. Whatever is not listed needs a session or a token.",
    )
    api_paths: tuple[Path, ...] = Field(
        default=("/api", "/api/*"),
        description="Paths that need an access token in the Authorization header. Others need a session "
        "of the browser.",
    )
    browser_paths: tuple[Path, ...] = Field(
        default=("/*",),
        description="Paths where a browser that has no session is sent to sign in. What no list names is "
        "refused.",
    )
    session_hours: Whole = Field(
        default=12,
        ge=1,
        le=168,
        description="Hours after which a browser must sign in again, 1 to 168. A session outlives a sign-out "
        "elsewhere.",
    )
    deployment: Literal["immutable", "rolling-with-additional-batch", "rolling", "all-at-once"] = Field(
        default="immutable",
        description="How a release reaches the instances. Immutable starts new ones next to the old and "
        "goes back by itself; the others are faster, and all-at-once interrupts.",
    )
    update_window: Window = Field(
        default="Sun:03:00", description="When platform updates are installed, in UTC: day, hour, minute."
    )
    versions_kept: Whole = Field(
        default=50, ge=5, le=1000, description="Releases that are kept to go back to, 5 to 1000."
    )
    log_retention_days: BeanstalkLogDays = Field(
        default=90, description="How long the instances' logs are kept, in days."
    )
    deletion_protection: YesNo = Field(
        default=True, description="Whether the load balancer refuses to be deleted."
    )

    @property
    def architecture(self) -> str:
        """``arm64`` or ``x86_64``: that of the first instance type."""
        return architecture(self.instance_types[0])


def architecture(instance_type: str) -> str:
    """``arm64`` or ``x86_64``.

    Graviton families have a ``g`` behind their generation (``t4g``, ``m7gd``, ``c8gn``); those with NVIDIA's
    Grace say so behind a hyphen (``p6e-gb200``).
    """
    return "arm64" if _ARM.fullmatch(instance_type) else "x86_64"
