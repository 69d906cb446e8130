"""RDS as far as a master user's password goes, and a clock that runs out."""

from __future__ import annotations

from typing import Any

from .conftest import Context
from .secrets_manager import refusal

OLD = "Old".ljust(40, "x")
CLUSTER = "arn:aws:rds:eu-west-1:111122223333:cluster:acme-prod-database"
INSTANCE = "arn:aws:rds:eu-west-1:111122223333:db:acme-prod-database"


class Rds:
    """A database whose password changes ``delay`` looks after it was asked for."""

    def __init__(self, delay: int = 2, fail: str = "") -> None:
        self.delay, self.fail = delay, fail
        self.password = OLD
        self.wanted: str | None = None
        self.looks = 0
        self.calls: list[tuple[str, str]] = []

    def modify_db_cluster(self, DBClusterIdentifier: str, **change: Any) -> None:
        self._modify("cluster", DBClusterIdentifier, **change)

    def modify_db_instance(self, DBInstanceIdentifier: str, **change: Any) -> None:
        self._modify("instance", DBInstanceIdentifier, **change)

    def _modify(self, kind: str, name: str, MasterUserPassword: str, ApplyImmediately: bool) -> None:
        if self.fail:
            raise refusal(self.fail, "Modify")
        assert ApplyImmediately
        self.calls.append((kind, name))
        self.wanted, self.looks = MasterUserPassword, 0

    def describe_db_clusters(self, DBClusterIdentifier: str) -> dict[str, Any]:
        status, pending = self._look()
        return {"DBClusters": [{"Status": status, "PendingModifiedValues": pending}]}

    def describe_db_instances(self, DBInstanceIdentifier: str) -> dict[str, Any]:
        status, pending = self._look()
        return {"DBInstances": [{"DBInstanceStatus": status, "PendingModifiedValues": pending}]}

    def _look(self) -> tuple[str, dict[str, Any]]:
        """First still "available" with the change pending, then changing, then done."""
        if self.wanted is None:
            return "available", {}
        self.looks += 1
        if self.looks == 1 < self.delay:
            return "available", {"MasterUserPassword": "****"}
        if self.looks < self.delay:
            return "resetting-master-credentials", {}
        self.password, self.wanted = self.wanted, None
        return "available", {}


class Impatient(Context):
    """Time that passes with every look at it."""

    def get_remaining_time_in_millis(self) -> float:
        self.seconds -= 60
        return self.seconds * 1000
