"""The trigger that keeps one account for one person: docs/decisions/0010-accounts-of-one-person.md."""

from __future__ import annotations

from awacs import cognito_idp
from awacs.aws import Allow, PolicyDocument, Statement
from troposphere import GetAtt, Ref
from troposphere.awslambda import Function, Permission
from troposphere.cognito import UserPool
from troposphere.iam import RolePolicy

from blueprint.environment import Environment
from blueprint.layers.shared import functions
from blueprint.stacks.stack import Stack

SECONDS = 5  # Cognito waits no longer


def add_function(stack: Stack, env: Environment) -> Function:
    invited_only = {} if env.identity.self_sign_up else {"INVITED_ONLY": "true"}
    return functions.add_function(
        stack,
        "MergeAccounts",
        "merge_accounts",
        purpose="Links identities with the same verified address to one account",
        statements=[],  # the pool is made after its trigger; see permit
        timeout_seconds=SECONDS,
        log_key_arn=stack.output_of("security", "LogsKeyArn"),
        memory_mb=1024,  # a cold start of boto3 must leave most of the five seconds
        environment=invited_only,
    )


def permit(stack: Stack, pool: UserPool, trigger: Function) -> None:
    """Let the pool call the function, and the function link accounts of this pool: nothing else.

    Apart from the function, because function, role and pool would wait for one another.
    """
    stack.add(
        Permission(
            "MergeAccountsByPool",
            Action="lambda:InvokeFunction",
            FunctionName=GetAtt(trigger, "Arn"),
            Principal="cognito-idp.amazonaws.com",
            SourceAccount=Ref("AWS::AccountId"),
            SourceArn=GetAtt(pool, "Arn"),
        )
    )
    stack.add(
        RolePolicy(
            "MergeAccountsInPool",
            RoleName=Ref(f"{trigger.title}Role"),
            PolicyName="LinkAccounts",
            PolicyDocument=PolicyDocument(
                Version="2012-10-17",
                Statement=[
                    Statement(
                        Effect=Allow,
                        Action=[
                            cognito_idp.AdminGetUser,
                            cognito_idp.AdminLinkProviderForUser,
                            cognito_idp.ListUsers,
                        ],
                        Resource=[GetAtt(pool, "Arn")],
                    )
                ],
            ).JSONrepr(),  # troposphere wants a dict here
        )
    )
