"""Deployment: who may deploy this environment, and the most that what is deployed may do. Promise R12.

The first stack of all, and the only one that an administrator deploys: the role that it holds has the
rights to make exactly the other templates' resources, and none to change itself.
"""

from __future__ import annotations

from blueprint.environment import Environment
from blueprint.layers import _deployment_roles as roles
from blueprint.stacks.places import Place
from blueprint.stacks.stack import Stack


def stacks(env: Environment) -> list[Stack]:
    return [roles.make(env, Place.PRIMARY)]
