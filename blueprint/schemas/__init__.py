"""The CloudFormation resource schemas that cfn-lint brings along, read as data.

A leaf that every room may import: it imports nothing of the project but the error type, and never cfn-lint
itself (0.4 s and more), only its data files.
"""

from __future__ import annotations

from blueprint.schemas.lookup import (
    create_only,
    property_schema,
    read_only,
    regions,
    schema,
    types_in,
    types_missing,
)
from blueprint.schemas.versions import Versions, engine_versions

__all__ = [
    "Versions",
    "create_only",
    "engine_versions",
    "property_schema",
    "read_only",
    "regions",
    "schema",
    "types_in",
    "types_missing",
]
