"""Which versions of a database engine RDS has, from the tables that cfn-lint brings along.

As old as the locked cfn-lint: a version that is missing may be newer. Its release notes, or
``aws rds describe-db-engine-versions``, say what there is today.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from blueprint.schemas.lookup import data

_FOLDER = Path("extensions", "aws_rds_dbinstance")


@dataclass(frozen=True)
class Versions:
    """Every version that is known, and those of them that RDS creates no more."""

    known: frozenset[str]
    withdrawn: frozenset[str]


@cache
def engine_versions(engine: str) -> Versions:
    """The versions of ``aurora-mysql`` or ``mysql``; none where the tables do not know the engine."""
    return Versions(
        frozenset(
            version
            for rule in _rules("engine_version.json", engine)
            for version in rule["then"]["properties"]["EngineVersion"]["enum"]
        ),
        frozenset(
            version
            for rule in _rules("engine_version_deprecated.json", engine)
            for version in rule["if"]["properties"]["EngineVersion"]["enum"]
        ),
    )


def _rules(name: str, engine: str) -> list[dict[str, Any]]:
    """The rules of one table about an engine: if it is the engine, then its version is one of these."""
    table = json.loads((data() / _FOLDER / name).read_text(encoding="utf-8"))
    return [rule for rule in table["allOf"] if rule["if"]["properties"]["Engine"].get("const") == engine]
