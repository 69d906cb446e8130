"""Rotates the password of the database's master user.

RDS can manage that password itself, but not for a global database. Environment: see ``master_password``.
"""

from __future__ import annotations

from blueprint.functions.master_password import set_password, wait_until_in_force
from blueprint.functions.rotation import rotation

handler = rotation(apply=set_password, prove=wait_until_in_force)
