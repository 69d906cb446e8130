"""Values to try for the application's options, each of which goes with every other."""

from __future__ import annotations

from typing import Any

UNSET = None
MORNING = {"name": "Morning", "at": "0 7 * * MON-FRI", "min_instances": 4, "max_instances": 8}
NIGHT = {"name": "Night", "at": "0 22 * * *", "min_instances": 0, "max_instances": 0}

BY_HAND: dict[str, list[Any]] = {
    "application.php": [UNSET, "8.5"],
    "application.instance_types": [UNSET, ["t4g.small"], ["t3.small", "m7i.large"]],
    "application.health_check_path": [UNSET, "/health"],
    "application.document_root": [UNSET, "/public"],
    "application.public_paths": [UNSET, [], ["/health", "/open/*", "/a", "/b"]],
    "application.api_paths": [UNSET, [], ["/*"]],
    "application.browser_paths": [UNSET, [], ["/admin", "/admin/*"]],
    "application.update_window": [UNSET, "Mon:23:59"],
    "application.scaling.schedules": [UNSET, [MORNING, NIGHT]],
    # Numbers that depend on one another.
    "application.on_demand_base": [UNSET, 1, 4],
    "application.scaling.min_instances": [UNSET, 1, 4],
    "application.scaling.max_instances": [UNSET, 4, 1000],
    "application.scaling.out_above": [UNSET, 90, 100],
    "application.scaling.in_below": [UNSET, 0, 30],
}
