"""Who deploys, and how far: the deployment role, the boundary of what it makes, and the role of stack sets.

docs/decisions/0016-one-role-deploys.md says why it is one role, and what a policy cannot say.
"""

from __future__ import annotations

from collections.abc import Iterable

from awacs.aws import (
    Allow,
    ArnLike,
    Bool,
    ConditionElement,
    PolicyDocument,
    Principal,
    Statement,
    StringEquals,
)
from awacs.sts import AssumeRole
from troposphere import AWSHelperFn, Equals, GetAtt, If, Join, Ref, Sub
from troposphere.iam import ManagedPolicy, Policy, Role

from blueprint.environment import Account, Environment
from blueprint.environment.regions import ENABLED_BY_DEFAULT
from blueprint.layers.shared.conditions import all_of
from blueprint.layers.shared.suppress import suppress
from blueprint.permissions import grants
from blueprint.permissions.boundary import boundary
from blueprint.permissions.grants import Granter
from blueprint.permissions.names import Names
from blueprint.permissions.needs import needs
from blueprint.permissions.policies import document, pack
from blueprint.permissions.resources import Made
from blueprint.stacks import deployment
from blueprint.stacks.places import Place, Subject
from blueprint.stacks.records import Others
from blueprint.stacks.stack import Stack

SESSION_SECONDS = 4 * 3600  # a first deployment takes hours; who comes from another role gets one anyhow
_EVERYBODY = "EverybodyOfTheAccount"
_ARN = r"arn:[a-z-]+:iam::[0-9]{12}:(root|(role|user)/[A-Za-z0-9+=,.@_/-]+)"
_NAME = "A deployment, its manifest and its stack sets know it by this name, which holds the environment's."


def make(subject: Subject, place: Place) -> Stack:
    """The stack that everything else of ``subject`` comes after. What it holds follows from the others."""
    stack = Stack(
        deployment.STACK,
        subject,
        place,
        purpose="The role that deploys, and the boundary of every role that it makes. For an administrator "
        "to deploy: the role cannot change itself.",
    )
    stack.parameter(
        "Deployers",
        "",
        kind="CommaDelimitedList",
        group="Who deploys",
        label="Principals that may take on the role",
        description="ARNs of roles or users, separated by commas. Empty: whoever the account's IAM policies "
        "let (sts:AssumeRole on this role). A user needs a second factor in any case.",
        constraint="Empty, or ARNs of roles, users or an account's root, separated by commas.",
        pattern=f"|{_ARN}",
    )
    stack.conditions[_EVERYBODY] = Equals(Join("", Ref("Deployers")), "")
    stack.made_from_others(lambda others: _fill(stack, others))
    return stack


def _fill(stack: Stack, others: Others) -> None:
    text = "".join(body.decode() for body in others.bodies.values())
    made = Made(others.stacks.values(), others.templates, text)
    names = Names(stack.subject, made)
    _boundary(stack, made, names)
    sets = _stack_sets(stack) if _has_stack_sets(stack.subject) else None
    _role(stack, made, names, sets)


def _boundary(stack: Stack, made: Made, names: Names) -> None:
    policy = stack.add(
        ManagedPolicy(
            "Boundary",
            ManagedPolicyName=deployment.boundary(stack.subject),
            Description="The most that a role of these templates may do, whatever its policies say",
            PolicyDocument=document(boundary(made, names)),
        )
    )
    _explain_name(policy)
    reason = (
        "A boundary grants nothing: it names actions, and on what a role may do them says its own policy."
    )
    suppress(policy, "cfn_nag", "W13", reason)
    suppress(policy, "cdk_nag", "AwsSolutions-IAM5", reason)
    for rule in ("CKV_AWS_109", "CKV_AWS_111", "CKV_AWS_356"):
        suppress(policy, "checkov", rule, reason)
    stack.output("BoundaryArn", Ref(policy), "Permissions boundary of every role that a deployment makes")


# -- the role that deploys ---------------------------------------------------------------------------------


def _role(stack: Stack, made: Made, names: Names, sets: Role | None) -> None:
    allowed = Granter(stack.subject, made, names).grants(needs(stack.subject, made))
    what = f"the role {deployment.deployment_role(stack.subject)}"
    if sets:  # whoever makes a stack set hands its role to it
        arn = grants.role_arn(deployment.stack_sets_role(stack.subject))
        allowed.add(grants.passing(arn, ["cloudformation.amazonaws.com"]))
    services = {grant.action.partition(":")[0] for grant in allowed}
    packed = pack([*_guard(stack.subject, services), *grants.statements(allowed)], what)
    policies = [
        stack.add(
            ManagedPolicy(
                f"Permissions{number}",
                Description=f"What a deployment of {stack.subject.name} takes, part {number}",
                PolicyDocument=document(statements),
            )
        )
        for number, statements in enumerate(packed, start=1)
    ]
    reason = (
        "Actions without a resource in IAM, and things that AWS names by an id: docs/layers/deployment.md "
        "has them by service. What destroys such a thing demands the environment's tags on it."
    )
    for policy in policies:
        suppress(policy, "cdk_nag", "AwsSolutions-IAM5", reason)
        suppress(policy, "cfn_nag", "W13", reason)
        for rule in ("CKV_AWS_109", "CKV_AWS_110", "CKV_AWS_111", "CKV_AWS_356"):
            suppress(policy, "checkov", rule, reason)
    role = stack.add(
        Role(
            "DeploymentRole",
            RoleName=deployment.deployment_role(stack.subject),
            Description=f"Deploys {stack.subject.project} {stack.subject.name}, and nothing else",
            MaxSessionDuration=SESSION_SECONDS,
            AssumeRolePolicyDocument=_trust(sets),
            ManagedPolicyArns=[Ref(policy) for policy in policies],
        )
    )
    _explain_name(role)
    stack.output("DeploymentRoleArn", GetAtt(role, "Arn"), "Role to deploy with")


def _trust(sets: Role | None) -> PolicyDocument:
    """A person with keys of his own shows a second factor; a role's session had to where it began."""
    who = If(_EVERYBODY, Sub("arn:${AWS::Partition}:iam::${AWS::AccountId}:root"), Ref("Deployers"))
    statements = [
        _assumed("UsersWithSecondFactor", who, Bool("aws:MultiFactorAuthPresent", True)),
        _assumed("Roles", who, StringEquals("aws:PrincipalType", "AssumedRole")),
        *([_assumed("StackSets", GetAtt(sets, "Arn"))] if sets else []),
    ]
    return PolicyDocument(Version="2012-10-17", Statement=statements)


def _assumed(sid: str, principal: AWSHelperFn, *conditions: ConditionElement) -> Statement:
    options = {"Condition": all_of(*conditions)} if conditions else {}
    return Statement(
        Sid=sid, Effect=Allow, Principal=Principal("AWS", principal), Action=[AssumeRole], **options
    )


def _guard(subject: Subject, services: Iterable[str]) -> list[grants.Statement]:
    """What nobody gets back by another statement: other regions, and a change of what this stack holds."""
    own = f"{subject.project}-{subject.name}"
    iam = "arn:${AWS::Partition}:iam::${AWS::AccountId}"
    mine = [
        grants.role_arn(deployment.deployment_role(subject)),
        grants.role_arn(deployment.stack_sets_role(subject)),
        grants.boundary_arn(subject),
        f"{iam}:policy/{own}-{deployment.STACK}-*",
    ]
    changes = (
        "Add",
        "Attach",
        "Create",
        "Delete",
        "Detach",
        "Put",
        "Remove",
        "Set",
        "Tag",
        "Untag",
        "Update",
    )
    stack = f"arn:${{AWS::Partition}}:cloudformation:*:${{AWS::AccountId}}:stack/{own}-{deployment.STACK}/*"
    stack_changes = (
        "ContinueUpdateRollback CreateStack DeleteStack ExecuteChangeSet RollbackStack SetStackPolicy "
    )
    stack_changes += "UpdateStack UpdateTerminationProtection"
    return [
        {
            "Sid": "OnlyTheseRegions",
            "Effect": "Deny",
            "Action": [f"{service}:*" for service in sorted(services)],
            "Resource": ["*"],  # every resource of every other region
            # Services without a region (IAM, Route 53, CloudFront) answer in us-east-1.
            "Condition": {"StringNotEquals": {"aws:RequestedRegion": _regions(subject)}},
        },
        {
            "Sid": "NeverItself",
            "Effect": "Deny",
            "Action": [f"iam:{verb}*" for verb in changes],
            "Resource": mine,
        },
        {
            "Sid": "NeverItsStack",
            "Effect": "Deny",
            "Action": [f"cloudformation:{name}" for name in stack_changes.split()],
            "Resource": [stack],
        },
        {
            "Sid": "NeverWithoutBoundary",
            "Effect": "Deny",
            "Action": ["iam:DeleteRolePermissionsBoundary", "iam:DeleteUserPermissionsBoundary"],
            "Resource": ["*"],  # of any role
        },
    ]


def _regions(subject: Subject) -> list[str]:
    if isinstance(subject, Account):
        used = {region for regions in subject.rollout.values() for region in regions}
        return sorted({subject.home_region, "us-east-1", *used})
    return sorted({*subject.regions, "us-east-1"})


# -- the role of stack sets --------------------------------------------------------------------------------


def _has_stack_sets(subject: Subject) -> bool:
    """With AWS Organizations the roles are AWS's own."""
    if not isinstance(subject, Environment) or not subject.recovery:
        return False
    return subject.deployment.stack_sets.permission_model == "self-managed"


def _stack_sets(stack: Stack) -> Role:
    subject = stack.subject
    assert isinstance(subject, Environment)  # noqa: S101 (see above)
    own = f"{subject.project}-{subject.name}"
    sets = f"arn:${{AWS::Partition}}:cloudformation:*:${{AWS::AccountId}}:stackset/{own}-*"
    role = stack.add(
        Role(
            "StackSetsRole",
            RoleName=deployment.stack_sets_role(subject),
            Description="Stack sets of the environment reach the deployment role by it",
            AssumeRolePolicyDocument=PolicyDocument(
                Version="2012-10-17",
                Statement=[
                    Statement(
                        Effect=Allow,
                        Principal=Principal("Service", _cloudformation(subject)),
                        Action=[AssumeRole],
                        Condition=all_of(
                            StringEquals("aws:SourceAccount", Ref("AWS::AccountId")),
                            ArnLike("aws:SourceArn", Sub(sets)),
                        ),
                    )
                ],
            ),
            Policies=[
                Policy(
                    PolicyName="Deploy",
                    PolicyDocument=PolicyDocument(
                        Version="2012-10-17",
                        Statement=[
                            Statement(
                                Effect=Allow,
                                Action=[AssumeRole],
                                # By name, because that role trusts this one and so comes later.
                                Resource=[Sub(grants.role_arn(deployment.deployment_role(subject)))],
                            )
                        ],
                    ),
                )
            ],
        ),
        setting="recovery",
    )
    _explain_name(role)
    suppress(
        role,
        "guard",
        "IAM_NO_INLINE_POLICY_CHECK",
        "The one thing that this one role may do belongs to it and goes with it.",
    )
    return role


def _cloudformation(env: Environment) -> list[str]:
    """A region that accounts enable has a principal of its own (User Guide, self-managed permissions)."""
    regional = [region for region in env.recovery_regions if region not in ENABLED_BY_DEFAULT]
    return [
        f"cloudformation{region}.amazonaws.com" for region in ("", *(f".{region}" for region in regional))
    ]


def _explain_name(resource: Role | ManagedPolicy) -> None:
    suppress(resource, "cfn_nag", "W28", _NAME)
