"""Rules about the application that need more than one field."""

from __future__ import annotations

from collections.abc import Iterator

from blueprint.environment.application_model import architecture
from blueprint.environment.finding import Check, Finding, repeated
from blueprint.environment.model import Environment

MOST_PATHS = 80  # of the 100 rules that ELB allows a load balancer by default, ours and Beanstalk's take 11


def _application_sizes(env: Environment) -> Iterator[Finding]:
    scaling = env.application.scaling
    if scaling.min_instances > scaling.max_instances:
        yield Finding(
            "application.scaling.min_instances",
            f"{scaling.min_instances} at least are more than {scaling.max_instances} at most",
            "lower it, or raise application.scaling.max_instances",
            ("application.scaling.max_instances",),
        )
    if scaling.in_below >= scaling.out_above:
        yield Finding(
            "application.scaling.in_below",
            f"instances would come above {scaling.out_above} and go below {scaling.in_below} at once",
            "lower it well below application.scaling.out_above",
            ("application.scaling.out_above",),
        )
    if scaling.metric == "cpu" and scaling.out_above > 100:
        yield Finding(
            "application.scaling.out_above",
            f"the processor is measured in per cent and never reaches {scaling.out_above}",
            "use at most 100",
            ("application.scaling.metric",),
        )
    if env.application.on_demand_base > scaling.max_instances:
        yield Finding(
            "application.on_demand_base",
            f"{env.application.on_demand_base} on demand are more than {scaling.max_instances} at most",
            "lower it, or raise application.scaling.max_instances",
            ("application.scaling.max_instances",),
        )
    for index, schedule in enumerate(scaling.schedules):
        field = f"application.scaling.schedules[{index}]"
        if schedule.min_instances > schedule.max_instances:
            yield Finding(
                f"{field}.min_instances",
                f"{schedule.min_instances} at least are more than {schedule.max_instances} at most",
                "lower it, or raise max_instances",
                (f"{field}.max_instances",),
            )
        if schedule.name in [earlier.name for earlier in scaling.schedules[:index]]:
            yield Finding(f"{field}.name", f"{schedule.name} is listed twice", "give it another name")


def _one_architecture(env: Environment) -> Iterator[Finding]:
    first, *others = env.application.instance_types
    for index, kind in enumerate(others, start=1):
        if architecture(kind) != architecture(first):
            yield Finding(
                f"application.instance_types[{index}]",
                f"{kind} has {architecture(kind)} processors and {first} {architecture(first)}: no machine "
                "image runs on both",
                "name types of one architecture",
                ("application.instance_types[0]",),
            )


def _listed_once(env: Environment) -> Iterator[Finding]:
    for name in ("instance_types", "public_paths", "api_paths", "browser_paths"):
        yield from repeated(f"application.{name}", getattr(env.application, name))


def _public_paths_are_named(env: Environment) -> Iterator[Finding]:
    """A pattern that matches every path would open the whole application.

    So would one that begins with a wildcard: of ``/*.css`` is ``/account/orders/x.css`` too, which a front
    controller takes for ``/account/orders``.
    """
    for index, path in enumerate(env.application.public_paths):
        field = f"application.public_paths[{index}]"
        if path.lstrip("/")[:1] in ("*", "?"):
            yield Finding(
                field,
                f"{path} would let everybody through to every path"
                + (" that ends so" if path.strip("/*?") else ""),
                "name the paths that shall be public, at least how they begin",
            )
        if path in env.application.api_paths:
            yield Finding(
                field,
                f"{path} is one of application.api_paths too, and would ask nobody for a token",
                "leave it in one of the two lists",
                ("application.api_paths",),
            )


def _paths_fit_a_load_balancer(env: Environment) -> Iterator[Finding]:
    """In the worst case (three wildcards in each) a path is a rule."""
    application = env.application
    count = len([*application.public_paths, *application.api_paths, *application.browser_paths])
    if count > MOST_PATHS:
        yield Finding(
            "application.public_paths",
            f"{count} public, API and browser paths are more than the {MOST_PATHS} that rules suffice for",
            "put some under one folder and name that, for instance /api/*",
            ("application.api_paths", "application.browser_paths"),
        )


APPLICATION_CHECKS: tuple[Check[Environment], ...] = (
    Check("ENV070", "Sizes and thresholds of the application leave room between them.", _application_sizes),
    Check("ENV071", "Instance types have one processor architecture.", _one_architecture),
    Check("ENV072", "A public path is never every path, and no API path.", _public_paths_are_named),
    Check("ENV099", "A load balancer has rules for all paths.", _paths_fit_a_load_balancer),
    Check("ENV082", "Instance types and paths are listed once.", _listed_once),
)
