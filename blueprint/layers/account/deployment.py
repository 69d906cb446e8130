"""Deployment: who may deploy what exists once per account, and the most that this may do. Promise R12."""

from __future__ import annotations

from blueprint.environment import Account
from blueprint.layers import _deployment_roles as roles
from blueprint.stacks.places import Place
from blueprint.stacks.stack import Stack


def stacks(account: Account) -> list[Stack]:
    return [roles.make(account, Place.ACCOUNT_HOME)]
