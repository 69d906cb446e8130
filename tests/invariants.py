"""What must hold for every template of every environment, whatever layer made it.

A check takes one template with its surroundings and yields what is wrong, a line each. The tests run all of
them over the shipped environments (``test_invariants.py``) and over all pairs of options
(``test_combinations.py``), so a new layer is covered at birth.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from blueprint.environment import Account
from blueprint.layers.shared.buckets import SSE_S3_BUCKETS
from blueprint.render.limits import measure
from blueprint.schemas import create_only, schema, types_missing
from blueprint.stacks import deployment
from blueprint.stacks.stateful import STATEFUL, holds_data
from tests.conftest import Rendering


@dataclass(frozen=True)
class Case:
    """One template, what the manifest says of it, and the environment that it belongs to."""

    rendering: Rendering
    stack: dict[str, Any]  # the manifest's entry
    template: dict[str, Any]

    def __str__(self) -> str:
        return str(self.stack["stack_name"])

    @property
    def resources(self) -> dict[str, dict[str, Any]]:
        return dict(self.template["Resources"])

    def of_type(self, *types: str) -> dict[str, dict[str, Any]]:
        return {
            name: resource.get("Properties", {})
            for name, resource in self.resources.items()
            if resource["Type"] in types
        }


def cases(rendering: Rendering) -> list[Case]:
    return [Case(rendering, stack, rendering[stack["name"]].data) for stack in rendering.manifest["stacks"]]


Check = Callable[[Case], Iterator[str]]
CHECKS: dict[str, Check] = {}


def check(function: Check) -> Check:
    CHECKS[function.__name__] = function
    return function


def violations(subject: Rendering | Case, *names: str) -> list[str]:
    """What all checks, or those named, find in an environment or in one template."""
    each = [subject] if isinstance(subject, Case) else cases(subject)
    return [
        f"{case}: {name}: {sentence}"
        for name in (names or CHECKS)
        for case in each
        for sentence in CHECKS[name](case)
    ]


# -- looking into templates ----------------------------------------------------------------------------


def walk(node: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every value with its path."""
    yield path, node
    if isinstance(node, dict):
        for key, child in node.items():
            yield from walk(child, f"{path}/{key}")
    elif isinstance(node, list):
        for index, child in enumerate(node):
            yield from walk(child, f"{path}/{index}")


def strings(node: Any) -> Iterator[tuple[str, str]]:
    return ((path, value) for path, value in walk(node) if isinstance(value, str))


def statements(case: Case) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every statement of every policy: of identities, resources, keys, endpoints, trust."""
    for path, node in walk(case.resources):
        if isinstance(node, dict) and node.get("Effect") in ("Allow", "Deny"):
            yield path, node


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


@cache
def cfn_lints_stateful_types() -> frozenset[str]:
    spec = find_spec("cfnlint")
    assert spec is not None
    assert spec.origin is not None
    file = Path(spec.origin).parent / "data" / "AdditionalSpecs" / "StatefulResources.json"
    return frozenset(json.loads(file.read_text(encoding="utf-8"))["ResourceTypes"])


#: Properties that look like a name of ours and are none.
NOT_NAMES = {
    ("AWS::EC2::VPCEndpoint", "ServiceName"),  # AWS's service
    # Inside one database, proxy or target; what a database is restored from; RDS's own name.
    ("AWS::ApplicationAutoScaling::ScalableTarget", "ScalableDimension"),
    ("AWS::ApplicationAutoScaling::ScalableTarget", "ServiceNamespace"),
    ("AWS::ApplicationAutoScaling::ScalingPolicy", "PolicyName"),
    ("AWS::ElastiCache::User", "UserName"),  # inside one cache
    ("AWS::RDS::DBCluster", "DatabaseName"),
    ("AWS::RDS::DBCluster", "SnapshotIdentifier"),
    ("AWS::RDS::DBCluster", "SourceDBClusterIdentifier"),
    ("AWS::RDS::DBInstance", "DBName"),
    ("AWS::RDS::DBInstance", "DBSnapshotIdentifier"),
    ("AWS::RDS::DBProxyTargetGroup", "TargetGroupName"),
    # The environment's domain. Zones and certificates of one name may be many; records are checked below.
    ("AWS::CertificateManager::Certificate", "DomainName"),
    ("AWS::Route53::HostedZone", "Name"),
    # A name in DNS, made of the domain or else of a number; and how an API is called in its tokens.
    ("AWS::Cognito::UserPoolDomain", "Domain"),
    ("AWS::Cognito::UserPoolResourceServer", "Identifier"),
    ("AWS::Cognito::UserPoolIdentityProvider", "ProviderName"),  # Cognito's names of Google and others
    *(("AWS::Route53::RecordSet", name) for name in ("HostedZoneId", "Name", "Type", "SetIdentifier")),
    ("AWS::Cognito::UserPoolRiskConfigurationAttachment", "ClientId"),  # a client's id, or the word ALL
}
_NAMING = re.compile(r"(Name|NamePrefix|Identifier|Alias)$")


def fixed_names(template: dict[str, Any]) -> dict[tuple[str, str], str]:
    """Physical names that a template fixes: (logical id, property) to the text of the name."""
    found = {}
    for logical_id, resource in template["Resources"].items():
        for name, value in resource.get("Properties", {}).items():
            if name in _name_properties(resource["Type"]) and not _refers_to_resources(value):
                found[logical_id, name] = value if isinstance(value, str) else json.dumps(value)
    return found


@cache
def _name_properties(kind: str) -> frozenset[str]:
    if kind.startswith("Custom::"):
        return frozenset()
    whole = schema(kind)
    identifiers = {pointer.removeprefix("/properties/") for pointer in whole.get("primaryIdentifier", ())}
    named = {path for path in create_only(kind) if "." not in path and _NAMING.search(path)}
    read_only = {pointer.removeprefix("/properties/") for pointer in whole.get("readOnlyProperties", ())}
    return frozenset(name for name in (identifiers | named) - read_only if (kind, name) not in NOT_NAMES)


def _refers_to_resources(value: Any) -> bool:
    for _, node in walk(value):
        if isinstance(node, dict) and len(node) == 1:
            (function, argument), *_ = node.items()
            if function in ("Fn::GetAtt", "Fn::ImportValue", "Fn::GetStackOutput"):
                return True
            if function == "Ref" and not str(argument).startswith("AWS::"):
                return True
            if function == "Fn::Sub":
                text = argument if isinstance(argument, str) else argument[0]
                if any(not name.startswith("AWS::") for name in re.findall(r"\$\{([^}]+)\}", text)):
                    return True
    return False


# -- parameters ----------------------------------------------------------------------------------------


@check
def every_parameter_is_explained_in_exactly_one_labelled_group(case: Case) -> Iterator[str]:
    interface = case.template.get("Metadata", {}).get("AWS::CloudFormation::Interface", {})
    grouped = [name for group in interface.get("ParameterGroups", ()) for name in group["Parameters"]]
    parameters = case.template.get("Parameters", {})
    for name in grouped:
        if name not in parameters:
            yield f"a group lists {name}, which is no parameter"
    for group in interface.get("ParameterGroups", ()):
        if not group["Label"]["default"]:
            yield f"the group of {group['Parameters']} has no label"
    for name, parameter in parameters.items():
        if grouped.count(name) != 1:
            yield f"{name} is in {grouped.count(name)} groups"
        if not interface.get("ParameterLabels", {}).get(name, {}).get("default"):
            yield f"{name} has no label"
        for key in ("Description", "ConstraintDescription", "Default"):
            if parameter.get(key, "") == "" and not (key == "Default" and "Default" in parameter):
                yield f"{name} has no {key}"


@check
def every_default_is_a_value_that_the_parameter_takes(case: Case) -> Iterator[str]:
    for name, parameter in case.template.get("Parameters", {}).items():
        default = parameter.get("Default")
        if "AllowedValues" in parameter and default not in parameter["AllowedValues"]:
            yield f"{name}: {default!r} is not among the allowed values"
        if "AllowedPattern" in parameter and not re.fullmatch(parameter["AllowedPattern"], str(default)):
            yield f"{name}: {default!r} does not match {parameter['AllowedPattern']}"
        if parameter["Type"] == "Number":
            low, high = parameter.get("MinValue", default), parameter.get("MaxValue", default)
            if not low <= default <= high:
                yield f"{name}: {default} is not from {low} to {high}"


@check
def every_operators_parameter_has_bounds(case: Case) -> Iterator[str]:
    bounds = {"AllowedValues", "AllowedPattern", "MinValue", "MaxValue"}
    for name, parameter in case.template.get("Parameters", {}).items():
        if not bounds & parameter.keys():
            yield f"{name} takes anything"


# -- data ----------------------------------------------------------------------------------------------


@check
def what_holds_data_is_kept_when_its_stack_or_its_resource_goes(case: Case) -> Iterator[str]:
    keeping = {
        "DeletionPolicy": ("Retain", "RetainExceptOnCreate", "Snapshot"),
        "UpdateReplacePolicy": ("Retain", "Snapshot"),
    }
    for name, resource in case.resources.items():
        kind, properties = resource["Type"], resource.get("Properties", {})
        unknown = kind in cfn_lints_stateful_types() - STATEFUL.keys()
        if unknown or holds_data(kind, properties):
            for key, lawful in keeping.items():
                if resource.get(key) not in lawful:
                    yield f"{name} ({resource['Type']}) has {key} {resource.get(key)}"


@check
def what_cfn_lint_calls_stateful_is_in_our_ledger_too(case: Case) -> Iterator[str]:
    for name, resource in case.resources.items():
        if resource["Type"] in cfn_lints_stateful_types() - STATEFUL.keys():
            yield f"{name} ({resource['Type']}) is not in STATEFUL"
        entry = case.stack["resources"][name]
        if entry["stateful"] != holds_data(resource["Type"], resource.get("Properties", {})):
            yield f"{name}: the manifest says stateful: {entry['stateful']}"


@check
def buckets_are_private_encrypted_and_versioned(case: Case) -> Iterator[str]:
    for name, bucket in case.of_type("AWS::S3::Bucket").items():
        block = bucket.get("PublicAccessBlockConfiguration", {})
        if len(block) != 4 or not all(block.values()):
            yield f"{name} does not block public access in all four ways"
        if bucket.get("VersioningConfiguration", {}).get("Status") != "Enabled":
            yield f"{name} has no versions"
        if bucket.get("OwnershipControls", {}).get("Rules") != [{"ObjectOwnership": "BucketOwnerEnforced"}]:
            yield f"{name} has access control lists"
        algorithm, key = encryption_of(bucket)
        if (case.stack["name"], name) in SSE_S3_BUCKETS:
            if algorithm != "AES256":
                yield f"{name} is on the list of SSE-S3 buckets and has {algorithm}"
        elif algorithm != "aws:kms" or not key:
            yield f"{name} is not encrypted with a key of ours"


def encryption_of(bucket: dict[str, Any]) -> tuple[str, Any]:
    """Algorithm and key of a bucket's default encryption."""
    rules = bucket.get("BucketEncryption", {}).get("ServerSideEncryptionConfiguration", [{}])
    default = rules[0].get("ServerSideEncryptionByDefault", {})
    return default.get("SSEAlgorithm", "none"), default.get("KMSMasterKeyID")


@check
def buckets_are_reached_by_tls_alone(case: Case) -> Iterator[str]:
    policies = {
        json.dumps(policy["Bucket"]): policy["PolicyDocument"]["Statement"]
        for policy in case.of_type("AWS::S3::BucketPolicy").values()
    }
    for name in case.of_type("AWS::S3::Bucket"):
        refusals = [
            statement
            for statement in policies.get(json.dumps({"Ref": name}), ())
            if statement["Effect"] == "Deny"
            and listed(statement["Action"]) == ["s3:*"]
            and statement["Principal"] in ("*", {"AWS": "*"})
        ]
        conditions = [statement.get("Condition", {}) for statement in refusals]
        if not any(
            str(condition.get("Bool", {}).get("aws:SecureTransport")).lower() == "false"
            for condition in conditions
        ):
            yield f"{name} can be reached without TLS"
        for statement in refusals:
            covered = json.dumps(statement["Resource"])
            if f'"Fn::GetAtt": ["{name}", "Arn"]' not in covered or "/*" not in covered:
                yield f"{name}: a refusal covers not both the bucket and its objects"


@check
def log_groups_forget_in_time(case: Case) -> Iterator[str]:
    for name, group in case.of_type("AWS::Logs::LogGroup").items():
        if not group.get("RetentionInDays"):
            yield f"{name} keeps logs for ever"


@check
def keys_rotate_and_can_be_administered(case: Case) -> Iterator[str]:
    for name, key in case.of_type("AWS::KMS::Key").items():
        if key.get("EnableKeyRotation") is not True:
            yield f"{name} does not rotate"
    for name, key in case.of_type("AWS::KMS::Key", "AWS::KMS::ReplicaKey").items():
        lifelines = [
            statement
            for statement in key["KeyPolicy"]["Statement"]
            if statement["Effect"] == "Allow"
            and "kms:PutKeyPolicy" in statement["Action"]
            and json.dumps(statement["Principal"]).endswith(':root"}}')
            and "Condition" not in statement
        ]
        if len(lifelines) != 1:
            yield f"{name} could lock its own account out"


@check
def a_name_in_dns_has_one_record_of_a_type_or_a_group_with_one_policy(case: Case) -> Iterator[str]:
    """Route 53 refuses a second one, and one with a policy beside one without, in whatever stack they are."""
    everywhere = [
        (other, logical_id, record)
        for other in cases(case.rendering)
        for logical_id, record in other.of_type("AWS::Route53::RecordSet").items()
    ]
    for name, record in case.of_type("AWS::Route53::RecordSet").items():
        for other, logical_id, second in everywhere:
            if (str(other), logical_id) == (str(case), name):
                continue
            if (second["Name"], second["Type"]) == (record["Name"], record["Type"]):
                identifiers = {json.dumps(r.get("SetIdentifier")) for r in (record, second)}
                if "null" in identifiers or len(identifiers) == 1 or record.keys() != second.keys():
                    yield f"{name} and {logical_id} of {other} are both {record['Type']} of {record['Name']}"


# -- permissions ---------------------------------------------------------------------------------------


@check
def nobody_may_do_everything(case: Case) -> Iterator[str]:
    for path, statement in statements(case):
        if "NotAction" in statement or "NotPrincipal" in statement:
            yield f"{path} names what is left out instead of what is meant"
        for action in listed(statement.get("Action", [])):
            scoped = statement["Effect"] == "Deny" and "Condition" in statement and action != "*"
            if re.fullmatch(r"\*|[\w-]*\*?:\*+", action) and not scoped:
                yield f"{path} has the action {action}"


@check
def every_role_is_under_the_boundary_and_comes_after_it(case: Case) -> Iterator[str]:
    manifest = case.rendering.manifest
    if case.stack["name"] == deployment.STACK or deployment.STACK not in case.rendering.templates:
        return  # a test of a few layers renders no more than these
    own = f"{manifest['project']}-{manifest['environment']}"
    for name, role in case.of_type("AWS::IAM::Role").items():
        text = json.dumps(role.get("PermissionsBoundary", ""))
        if f":policy/{own}-boundary" not in text or role.get("Path") != f"/{own}/":
            yield f"{name} has the boundary {text} and the path {role.get('Path')}"
    first = {step["step"] for step in manifest["steps"] if step["stack"] == deployment.STACK}
    for step in manifest["steps"]:
        if step["stack"] == case.stack["name"] and not first & set(step["needs"]) and not step["pass"]:
            yield f"step {step['step']} does not wait for {deployment.STACK}"


@check
def a_role_has_no_more_managed_policies_than_iam_attaches(case: Case) -> Iterator[str]:
    for name, role in case.of_type("AWS::IAM::Role").items():
        if len(role.get("ManagedPolicyArns", ())) > 10:
            yield f"{name} has {len(role['ManagedPolicyArns'])} managed policies"


@check
def policies_are_of_the_current_language(case: Case) -> Iterator[str]:
    """Without a version a policy is of 2008, which takes variables for text."""
    for path, node in walk(case.resources):
        if isinstance(node, dict) and "Statement" in node and node.get("Version") != "2012-10-17":
            yield f"{path} has version {node.get('Version')}"


_OF_RESOURCES = ("KeyPolicy", "AssumeRolePolicyDocument")
_OF_RESOURCE_TYPES = ("AWS::S3::BucketPolicy", "AWS::EC2::VPCEndpoint")


@check
def statements_say_who_does_what_to_which(case: Case) -> Iterator[str]:
    for path, statement in statements(case):
        kind = case.resources[path.split("/")[1]]["Type"]
        of_resource = any(f"/{name}/" in path for name in _OF_RESOURCES) or kind in _OF_RESOURCE_TYPES
        wanted = {"Action"}
        wanted |= {"Principal"} if of_resource else {"Resource"}
        wanted |= set() if "AssumeRolePolicyDocument" in path else {"Resource"}
        for name in sorted(wanted):
            if not statement.get(name):
                yield f"{path} has no {name}"


@check
def whoever_is_let_in_is_named_or_bounded(case: Case) -> Iterator[str]:
    for path, statement in statements(case):
        anybody = statement.get("Principal") in ("*", {"AWS": "*"}, {"AWS": ["*"]})
        bounded = statement.get("Condition") or (
            # The policy of an endpoint grants nothing by itself; named resources are a bound.
            case.resources[path.split("/")[1]]["Type"] == "AWS::EC2::VPCEndpoint"
            and "*" not in listed(statement.get("Resource", "*"))
        )
        if statement["Effect"] == "Allow" and anybody and not bounded:
            yield f"{path} lets everybody in"


#: Characters that services take: IAM and KMS quotas, S3 bucket policies, VPC endpoint policies.
POLICY_LIMITS = {
    ("AWS::KMS::Key", "KeyPolicy"): 32_768,
    ("AWS::KMS::ReplicaKey", "KeyPolicy"): 32_768,
    ("AWS::S3::BucketPolicy", "PolicyDocument"): 20_480,
    ("AWS::EC2::VPCEndpoint", "PolicyDocument"): 20_480,
    ("AWS::IAM::ManagedPolicy", "PolicyDocument"): 6_144,
    ("AWS::IAM::Role", "AssumeRolePolicyDocument"): 2_048,
    ("AWS::IAM::Role", "Policies"): 10_240,
}


def filled_in(value: Any) -> Any:
    """What CloudFormation makes of texts with pseudo parameters; other functions stay as they are."""
    if isinstance(value, dict) and isinstance(value.get("Fn::Sub"), str):
        text = value["Fn::Sub"].replace("${AWS::Partition}", "aws").replace("${AWS::AccountId}", "0" * 12)
        return value if "${" in text else text
    if isinstance(value, dict):
        return {key: filled_in(item) for key, item in value.items()}
    return [filled_in(item) for item in value] if isinstance(value, list) else value


@check
def policies_fit_into_what_services_take(case: Case) -> Iterator[str]:
    for name, resource in case.resources.items():
        for key, value in resource.get("Properties", {}).items():
            limit = POLICY_LIMITS.get((resource["Type"], key))
            size = len(json.dumps(filled_in(value), separators=(",", ":")))
            if limit and size > limit:
                yield f"{name}.{key} has {size} of {limit} characters"


_OPEN = {"0.0.0.0/0", "::/0"}


@check
def nothing_but_the_web_is_open_to_the_internet(case: Case) -> Iterator[str]:
    for path, node in walk(case.resources):
        if not isinstance(node, dict) or not _OPEN & {node.get("CidrIp"), node.get("CidrIpv6")}:
            continue
        if "Egress" in path or _is_egress(case, path):
            continue
        ports = {node.get("FromPort"), node.get("ToPort")}
        if ports not in ({80}, {443}):
            yield f"{path} opens {ports} to the internet"


def _is_egress(case: Case, path: str) -> bool:
    return str(case.resources[path.split("/")[1]]["Type"]) == "AWS::EC2::SecurityGroupEgress"


# -- names and references ------------------------------------------------------------------------------

_GLOBAL_TYPES = re.compile(r"AWS::(IAM|CloudFront|Budgets|Route53)::|AWS::CloudWatch::Dashboard")


@check
def a_template_of_several_regions_fixes_no_name_that_is_global(case: Case) -> Iterator[str]:
    if len(case.stack["regions"]) > 1 or "account-regions" in case.stack["places"]:
        for (logical_id, name), text in fixed_names(case.template).items():
            kind = case.resources[logical_id]["Type"]
            if _GLOBAL_TYPES.match(kind) and "AWS::Region" not in text:
                yield f"{logical_id}.{name} ({kind}) is {text} in every region"


@check
def another_stacks_resource_is_never_named_literally(case: Case) -> Iterator[str]:
    # Names at the domain are the environment file's, whichever stack has a resource of that name.
    domain = getattr(case.rendering.rendered.subject, "domain", "no domain")
    others = {
        text: other.stack["name"]
        for other in cases(case.rendering)
        if other.stack["name"] != case.stack["name"]
        for text in fixed_names(other.template).values()
        if not f".{text}".endswith(f".{domain}")
    }
    own = set(fixed_names(case.template).values())
    if case.stack["name"] == deployment.STACK:
        return  # what others make is what it is about, and it learns the names from their templates
    for section in ("Resources", "Outputs", "Conditions", "Mappings"):
        for path, text in strings(case.template.get(section, {})):
            # A tag for people may read like a name; an import is the lawful way to name another stack.
            if text in own or "/Tags/" in path or path.endswith("/Fn::ImportValue"):
                continue
            # Put there by the renderer, which has the stack wait for the one that makes it.
            if path.endswith(("/Properties/PermissionsBoundary/Fn::Sub", "/Properties/Path")):
                continue
            for name, stack in others.items():
                if re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", text):
                    yield f"{section}{path} names {name} of stack {stack}"


@check
def no_arn_is_written_out(case: Case) -> Iterator[str]:
    subject = case.rendering.rendered.subject
    given = subject.ebs_encryption.key_arns if isinstance(subject, Account) else ()
    for path, text in strings(case.template):
        for arn in re.findall(r"arn:aws[\w-]*:[\w-]+:[\w-]*:\d{12}:[^\s\"']*", text):
            if arn not in given:
                yield f"{path} holds {arn}"


@check
def imports_are_exactly_those_of_the_manifest(case: Case) -> Iterator[str]:
    used = {
        (next(iter(node)), json.dumps(node))
        for _, node in walk(case.template)
        if isinstance(node, dict) and node.keys() & {"Fn::ImportValue", "Fn::GetStackOutput"}
    }
    listed_here = {(entry["by"], entry["export"]) for entry in case.stack["imports"]}
    for by, text in used:
        if by == "Fn::ImportValue" and (by, json.loads(text)[by]) not in listed_here:
            yield f"the manifest does not list {text}"
    if len(used) != len(listed_here):
        yield f"the template reads {len(used)} outputs, the manifest lists {len(listed_here)}"


@check
def recovery_reads_no_other_region(case: Case) -> Iterator[str]:
    if {"recovery", "first-recovery"} & set(case.stack["places"]):
        for path, node in walk(case.template):
            if isinstance(node, dict) and "Fn::GetStackOutput" in node:
                yield f"{path} reads another region"


@check
def every_output_is_exported_under_its_stacks_name(case: Case) -> Iterator[str]:
    subject = case.rendering.rendered.subject
    for name, output in case.template.get("Outputs", {}).items():
        if not output.get("Description"):
            yield f"{name} has no description"
        export = output["Export"]["Name"]
        if isinstance(export, dict):
            separator, parts = export["Fn::Join"]
            export = separator.join(parts)
        plain = name.removesuffix("InRecovery") if "Condition" in output else name
        if export != f"{subject.project}:{subject.name}:{case.stack['name']}:{plain}":
            yield f"{name} is exported as {export}"


# -- the template as a whole ---------------------------------------------------------------------------


@check
def templates_are_plain(case: Case) -> Iterator[str]:
    if case.template.keys() & {"Transform", "Hooks"}:
        yield "has a transform"
    for path, node in walk(case.template):
        if isinstance(node, dict):
            yield from (f"{path} is a macro" for key in node if re.match(r"Fn::(Transform|ForEach)", key))
    for name, resource in case.resources.items():
        if resource["Type"] in ("AWS::CloudFormation::Stack", "AWS::CloudFormation::Macro"):
            yield f"{name} is a {resource['Type']}"


@check
def every_resource_type_exists_wherever_it_is_deployed(case: Case) -> Iterator[str]:
    types = {resource["Type"] for resource in case.resources.values()}
    for region in case.stack["regions"]:
        for kind in types_missing(types, region):
            yield f"{kind} does not exist in {region}"


@check
def templates_are_within_the_quotas(case: Case) -> Iterator[str]:
    for use in measure(case.template, case.rendering[case.stack["name"]].body):
        if use.share > 1:
            yield str(use)


@check
def whatever_can_carry_tags_carries_ours(case: Case) -> Iterator[str]:
    wanted = {**case.rendering.rendered.subject.all_tags, "stack": case.stack["name"]}
    for name, resource in case.resources.items():
        key = _tag_property(resource["Type"])
        if key:
            tags = resource.get("Properties", {}).get(key, {})
            if isinstance(tags, list):
                tags = {tag["Key"]: tag["Value"] for tag in tags}
            if not wanted.items() <= tags.items():
                yield f"{name} ({resource['Type']}) lacks tags {sorted(wanted.items() - tags.items())}"


@cache
def _tag_property(kind: str) -> str | None:
    """The property that holds a type's tags, None for types without."""
    if kind.startswith("Custom::"):
        return None
    whole = schema(kind)
    tagging = whole.get("tagging", {})
    name = str(tagging.get("tagProperty", "/properties/Tags")).removeprefix("/properties/")
    return name if tagging.get("taggable", True) and name in whole["properties"] else None


@check
def the_description_tells_a_person_what_to_do(case: Case) -> Iterator[str]:
    text = case.template["Description"]
    if f"Stack name: {case.stack['stack_name']}." not in text:
        yield "the description does not say the stack's name"
    for region in case.stack["regions"]:
        if region not in text:
            yield f"the description does not say {region}"
    if f"Tick: {', '.join(case.stack['capabilities']) or 'nothing'}." not in text:
        yield "the description does not say which capabilities to tick"
    for parameter in case.stack["parameters"]:
        if parameter["binding"] and case.rendering.manifest["regions"].get("recovery"):
            source = parameter["binding"]["from"]
            if parameter["name"] not in text or source["output"] not in text:
                yield f"the description does not say where {parameter['name']} comes from"
    if len(text.encode()) > 1024:
        yield f"the description has {len(text.encode())} bytes"


SECRETS = re.compile(
    r"""AKIA[0-9A-Z]{16}|ASIA[0-9A-Z]{16}|-----BEGIN|xox[bap]-|gh[pousr]_\w{30}|
        (?i:password|passwd|secret|token|api_?key)\\?["']?\s*[:=]\s*\\?["'][^"'{\\]{4,}""",
    re.VERBOSE,
)
_SECRET_PROPERTY = re.compile(r"(Passwords?|SecretString|AuthToken|PrivateKey|SecretKey)(/\d+)?$")


@check
def no_secret_is_written_out(case: Case) -> Iterator[str]:
    for path, text in strings(case.template):
        found = SECRETS.search(text)
        if found:
            yield f"{path} holds {found[0][:12]}..."
        if _SECRET_PROPERTY.search(path) and not text.startswith("{{resolve:"):
            yield f"{path} is a literal"


@check
def nothing_tells_where_it_was_rendered(case: Case) -> Iterator[str]:
    for path, text in strings(case.template):
        if re.search(r"(?<![\w.])/(root|home|tmp|Users|work)/|[A-Z]:\\\\", text):
            yield f"{path} holds a path of a machine"


@check
def every_resource_can_be_traced_to_its_layer(case: Case) -> Iterator[str]:
    for name in case.resources:
        source = case.stack["resources"][name]["source"]
        if case.stack["layer"] not in source:
            yield f"{name} comes from {source or 'nowhere'}"
