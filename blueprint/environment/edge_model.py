"""What an environment file may say of its domain: zone, certificates and addresses."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from blueprint.environment import formats
from blueprint.environment.section import Section, YesNo

ZoneNumber = Annotated[
    str,
    AfterValidator(formats.hosted_zone_id),
    Field(
        json_schema_extra={
            "pattern": f"^({formats.HOSTED_ZONE_ID})?$",
            "patternErrorMessage": "id of a hosted zone such as Z0123456789ABCDEFGHIJ",
        }
    ),
]
Authority = Annotated[str, AfterValidator(formats.authority), Field(json_schema_extra={"format": "hostname"})]


class Edge(Section):
    """The domain in DNS, and its certificates."""

    hosted_zone_id: ZoneNumber = Field(
        default="",
        examples=["Z0123456789ABCDEFGHIJ"],
        description="An existing public hosted zone of this account, of the domain itself or of a domain "
        "above it. Without it a zone is made, which the domain above must point to.",
    )
    apex_records: YesNo = Field(
        default=True,
        description="Whether the domain's own records (an address, and who may issue certificates) are "
        "ours. Set false when an existing zone has them already.",
    )
    certificate_authorities: tuple[Authority, ...] = Field(
        default=(),
        examples=[["letsencrypt.org"]],
        description="Who besides Amazon may issue certificates for the domain and for names below it, but "
        "for ours: what they call themselves in CAA records.",
    )
    custom_sign_in: YesNo = Field(
        default=False,
        description="Whether users sign in at auth.<domain> instead of a domain of Cognito's. With a "
        "recovery region they always do; changing it later invalidates passkeys.",
    )
