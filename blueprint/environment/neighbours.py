"""Environments of one account: what each may be by itself and two of them cannot be, or should not be."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from ipaddress import IPv4Network
from itertools import product

from blueprint.environment.model import Environment
from blueprint.problems import Problem


def clashes(environments: Sequence[Environment]) -> Iterator[Problem]:
    """A name in DNS belongs to one environment: of the second, zone or certificate could never be made."""
    for env, earlier in _with_earlier(environments):
        for other in earlier:
            if shared := _names(env) & _names(other):
                yield Problem(
                    f"{env.domain if env.domain in shared else min(shared)} is a name of {other.name} too, "
                    f"which {_place(other, 'domain')} gives it, and both stand in account {env.account}",
                    env.where("domain"),
                    f"give each environment a domain of its own, for instance {env.name}.{other.domain}",
                    "ENV064",
                )
                break


def overlaps(environments: Sequence[Environment]) -> Iterator[Problem]:
    """Networks that could never be joined. Each works by itself, and many never meet: no reason to refuse."""
    for env, earlier in _with_earlier(environments):
        for other in earlier:
            pairs = product(env.ranges, other.ranges)
            if found := next((pair for pair in pairs if _overlap(*pair)), None):
                (own, cidr), (field, others) = found
                yield Problem(
                    f"{cidr} overlaps {others} of {other.name} ({_place(other, field)}): the networks of "
                    f"account {env.account} could never be joined, and no range can be changed once deployed",
                    env.where(own),
                    "use a range of its own for each environment, or leave it if they shall never meet",
                    "ENV065",
                )
                break


def _with_earlier(environments: Sequence[Environment]) -> Iterator[tuple[Environment, list[Environment]]]:
    """Each environment, with those of the same account that come before it."""
    for number, env in enumerate(environments):
        yield env, [other for other in environments[:number] if other.account == env.account]


def _names(env: Environment) -> set[str]:
    """What the environment answers at."""
    return {env.domain, env.api_domain, env.sign_in_domain} - {""}


def _overlap(one: tuple[str, str], other: tuple[str, str]) -> bool:
    return IPv4Network(one[1]).overlaps(IPv4Network(other[1]))


def _place(env: Environment, field: str) -> str:
    where = env.where(field)
    return f"{where.file}:{where.line}" if where.line else where.file
