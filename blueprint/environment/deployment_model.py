"""What an environment file may say of its deployment: what is protected, and how recovery is rolled out."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from blueprint.environment.formats import refuse
from blueprint.environment.section import Section, YesNo

#: An organizational unit, or the root of an organization (Organizations API reference, ``TargetId``).
UNIT = r"ou-[a-z0-9]{4,32}-[a-z0-9]{8,32}|r-[a-z0-9]{4,32}"


def _unit(text: str) -> str:
    if not re.fullmatch(UNIT, text):
        refuse("ENV120", "is no organizational unit", "copy its id from the console, ou-ab12-cdef3456")
    return text


Unit = Annotated[
    str,
    AfterValidator(_unit),
    Field(json_schema_extra={"pattern": f"^({UNIT})$", "patternErrorMessage": "id such as ou-ab12-cdef3456"}),
]


class StackSets(Section):
    """How the recovery regions are rolled out."""

    permission_model: Literal["self-managed", "service-managed"] = Field(
        default="self-managed",
        description="Whose roles roll out: two of ours in the account, or those that AWS Organizations "
        "makes in every account of `organizational_units`.",
    )
    organizational_units: tuple[Unit, ...] = Field(
        default=(),
        examples=[["ou-ab12-cdef3456"]],
        description="With service-managed: the units, or the root, that hold the environment's account. "
        "Other accounts in them get nothing.",
    )
    delegated_administrator: YesNo = Field(
        default=False,
        description="With service-managed: whether to call as a delegated administrator, not from the "
        "organization's management account.",
    )


class Deployment(Section):
    """Deploying and destroying."""

    protected: YesNo = Field(
        default=True,
        description="Whether stacks have termination protection, and destroying the environment asks for "
        "its name.",
    )
    stack_sets: StackSets = Field(default=StackSets())
