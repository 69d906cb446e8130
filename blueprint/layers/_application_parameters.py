"""What operators of the application turn in the console: sizes, thresholds, releases, steps towards TLS."""

from __future__ import annotations

from troposphere import Condition, Equals, Not, Or, Ref

from blueprint.environment import Environment
from blueprint.stacks.stack import Stack

#: Metric -> CloudWatch's name and unit.
METRICS = {
    "cpu": ("CPUUtilization", "Percent"),
    "network-in": ("NetworkIn", "Bytes"),
    "network-out": ("NetworkOut", "Bytes"),
}
_POLICIES = {
    "immutable": "Immutable",
    "rolling-with-additional-batch": "RollingWithAdditionalBatch",
    "rolling": "Rolling",
    "all-at-once": "AllAtOnce",
}
#: Conditions that follow from parameters.
HAS_TLS, WATCHES_TLS, USES_TLS = "InstancesMayUseTls", "TlsIsWatched", "InstancesUseTls"
FOLLOWS, IMMUTABLE, BY_ROLE = "PlatformFollows", "ReleasesAreImmutable", "BeanstalkUsesItsRole"
_GROUP = "Instances"


def add(stack: Stack, env: Environment) -> None:
    """What operators turn, in the order of the console."""
    _instance_parameters(stack, env)
    _scaling_parameters(stack, env)
    _release_parameters(stack, env)
    _conditions(stack)


def _conditions(stack: Stack) -> None:
    def says(parameter: str, value: str) -> Equals:
        return Equals(Ref(stack.parameters[parameter]), value)

    stack.conditions[HAS_TLS] = Not(says("InstanceTls", "off"))
    stack.conditions[USES_TLS] = says("InstanceTls", "on")
    stack.conditions[WATCHES_TLS] = Or(says("InstanceTls", "watched"), Condition(USES_TLS))
    stack.conditions[FOLLOWS] = says("PlatformVersion", "latest")
    stack.conditions[IMMUTABLE] = says("DeploymentPolicy", "Immutable")
    stack.conditions[BY_ROLE] = says("OperationsBy", "role")


def _instance_parameters(stack: Stack, env: Environment) -> None:
    arm = env.application.architecture == "arm64"
    kind = r"([a-z]+[0-9]+g[a-z0-9-]*|a1)\.[a-z0-9-]+" if arm else r"[a-z][a-z0-9-]*\.[a-z0-9-]+"
    words = "Graviton (ARM) instance types" if arm else "Instance types for x86"
    stack.parameter(
        "InstanceTypes",
        ",".join(env.application.instance_types),
        group=_GROUP,
        label="Instance types",
        description="Instance types in order of preference. Without spot only the first is used.",
        constraint=f"{words}, separated by commas, without blanks.",
        pattern=f"{kind}(,{kind}){{0,9}}",
    )
    for name, default, label, text in (
        ("MinInstances", env.application.scaling.min_instances, "Fewest instances", "At least so many run."),
        ("MaxInstances", env.application.scaling.max_instances, "Most instances", "At most so many run."),
    ):
        stack.parameter(
            name,
            default,
            kind="Number",
            minimum=1,
            maximum=1000,
            group=_GROUP,
            label=label,
            description=text,
            constraint="A number from 1 to 1000.",
        )


def _scaling_parameters(stack: Stack, env: Environment) -> None:
    scaling = env.application.scaling
    _, unit = METRICS[scaling.metric]
    most = 100 if unit == "Percent" else 20000000
    for name, default, label, text in (
        ("ScaleOutAbove", scaling.out_above, "Add instances above", "Two instances more"),
        ("ScaleInBelow", scaling.in_below, "Remove instances below", "One instance fewer"),
    ):
        stack.parameter(
            name,
            default,
            kind="Number",
            minimum=0,
            maximum=most,
            group=_GROUP,
            label=f"{label} ({unit.lower()})",
            description=f"{text} when the average over instances and three minutes passes this.",
            constraint=f"A number from 0 to {most}.",
        )


def _release_parameters(stack: Stack, env: Environment) -> None:
    group = "Platform and releases"
    stack.parameter(
        "PlatformVersion",
        "latest",
        group=group,
        label="Platform version",
        description="'latest': the newest version of the PHP branch, never an older one than is running, and "
        "updated every week. Or the full ARN of a version, to stay with it, without updates.",
        constraint="latest, or arn:aws:elasticbeanstalk:<region>::platform/<branch>/<version>.",
        pattern=r"latest|arn:[a-z-]+:elasticbeanstalk:[a-z0-9-]+:[0-9]*:platform/[^/]+/[0-9.]+",
    )
    stack.parameter(
        "Recheck",
        "1",
        group=group,
        label="Look again",
        description="Any other text than before (today's date) brings the newest platform now and checks "
        "every rule of the load balancer again. Change nothing else with it: it may replace all instances.",
        constraint="1 to 32 letters, digits, hyphens, dots or colons.",
        pattern="[A-Za-z0-9.:-]{1,32}",
    )
    stack.parameter(
        "OperationsBy",
        "caller",
        allowed=("caller", "role"),
        group=group,
        label="Whose rights Elastic Beanstalk uses",
        description="To make and change instances, groups and alarms: those of whoever deploys (caller), or "
        "those of a role of this stack, so that whoever deploys needs rights to Elastic Beanstalk alone.",
        constraint="caller or role.",
    )
    stack.parameter(
        "DeploymentPolicy",
        _POLICIES[env.application.deployment],
        allowed=list(_POLICIES.values()),
        group=group,
        label="How releases are deployed",
        description="Immutable starts new instances next to the old ones and goes back by itself.",
        constraint="One of the values offered.",
    )
    stack.parameter(
        "HealthCheckPath",
        env.application.health_check_path,
        group=group,
        label="Path of the health check",
        description="The load balancer asks every instance for it; it must answer 200 without a login. / is "
        "what Beanstalk's sample application answers.",
        constraint="A path that begins with a slash.",
        pattern=r"/[^\s]*",
    )
    stack.parameter(
        "DocumentRoot",
        env.application.document_root,
        group=group,
        label="Folder that is served",
        description="Folder of a release whose files are served, for instance /public. / is the sample "
        "application's.",
        constraint="A path that begins with a slash.",
        pattern=r"/[A-Za-z0-9_./-]*",
    )
    stack.parameter(
        "InstanceTls",
        "off",
        allowed=("off", "added", "watched", "on"),
        group=group,
        label="TLS between load balancer and instances",
        description="Needs a release that carries our bundle folder. 'added' makes a target group for port "
        "443, 'watched' has its health checked, 'on' sends requests there. One step at a time, both ways.",
        constraint="off, added, watched or on.",
    )
