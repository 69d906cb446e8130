"""What a signed-in user may do with AWS itself: reach his own objects, by credentials of an identity pool.

A policy never names the identity id, which another region's identity pool makes anew for the same person. It
names the session tag ``sub``, which the identity pool copies from the token, and the token has it from the
user pool: the same in both regions. A session without the tag reaches nothing, because a policy variable
without a value matches nothing.
"""

from __future__ import annotations

from typing import Any

from awacs import kms, s3, sts
from awacs.aws import (
    Action,
    Allow,
    Condition,
    ForAnyValueStringLike,
    PolicyDocument,
    Principal,
    Statement,
    StringEquals,
    StringLike,
)
from troposphere import AWSHelperFn, Equals, GetAtt, If, Ref, Sub, Tags
from troposphere.cognito import (
    CognitoIdentityProvider,
    IdentityPool,
    IdentityPoolPrincipalTag,
    IdentityPoolRoleAttachment,
    MappingRule,
    RoleMapping,
    RulesConfiguration,
)
from troposphere.iam import Policy, Role

from blueprint.environment import Environment
from blueprint.layers.shared.suppress import suppress
from blueprint.stacks.places import Place
from blueprint.stacks.stack import Stack

USERS = "users"  # prefix of what belongs to one user
OFFERS = "providers"  # prefix of what service providers show to everybody
SESSION_TAG = "sub"
_OWN = f"${{aws:PrincipalTag/{SESSION_TAG}}}"  # whoever's session it is
_SERVICE = "cognito-identity.amazonaws.com"
_HERE = "this-region"


def stack(env: Environment) -> Stack:
    made = Stack(
        "identity-access",
        env,
        Place.PRIMARY,
        Place.FIRST_RECOVERY,
        purpose="Identity pool: AWS credentials for signed-in users, each for his own objects.",
    )
    provider = _provider(made, env)
    client = made.from_primary(
        "MobileClientId",
        stack="identity",
        output="MobileClientId",
        group="Recovery",
        label="Id of the mobile client",
        description="In a recovery region: id of the user pool's mobile client.",
        pattern="[A-Za-z0-9]{1,128}",
    )
    pool = made.add(
        IdentityPool(
            "IdentityPool",
            AllowUnauthenticatedIdentities=False,
            AllowClassicFlow=False,
            CognitoIdentityProviders=[
                CognitoIdentityProvider(ProviderName=provider, ClientId=client, ServerSideTokenCheck=True)
            ],
            IdentityPoolTags=Tags(**env.all_tags, stack=made.name),
        )
    )
    bucket = made.output_of("storage", "UploadsBucketArn")
    key = made.output_of("security", "StorageKeyArn")
    user = _role(made, pool, "User", "A signed-in user", [*_own_objects(bucket), *_key(bucket, key)])
    offers = [*_own_objects(bucket), _own_offers(bucket), *_key(bucket, key)]
    service_provider = _role(made, pool, "ServiceProvider", "A signed-in service provider", offers)
    _who_gets_which(made, pool, provider, client, user, service_provider)
    made.add(
        IdentityPoolPrincipalTag(
            "SessionTags",
            IdentityPoolId=Ref(pool),
            IdentityProviderName=provider,
            PrincipalTags={SESSION_TAG: "sub"},
            UseDefaults=False,
        )
    )
    made.output("IdentityPoolId", Ref(pool), "Identity pool of this region")
    return made


# -- who signed in -------------------------------------------------------------------------------------------


def _provider(made: Stack, env: Environment) -> AWSHelperFn:
    """The user pool as identity pools name it: ``cognito-idp.<region>.amazonaws.com/<pool>``."""
    pool_id = made.from_primary(
        "UserPoolId",
        stack="identity",
        output="UserPoolId",
        group="Recovery",
        label="Id of the user pool",
        description="In a recovery region: id of the user pool, the same in every region.",
        pattern="[a-z0-9-]{5,32}_[0-9a-zA-Z]{1,32}",
    )
    here = Sub("cognito-idp.${AWS::Region}.amazonaws.com")
    host = If(_names_this_region(made, env), here, Ref("ProviderHost")) if env.replicable_users else here
    return Sub("${Host}/${Pool}", Host=host, Pool=pool_id)


def _group(made: Stack) -> AWSHelperFn:
    return made.from_primary(
        "ServiceProvidersGroup",
        stack="identity",
        output="ServiceProvidersGroup",
        group="Recovery",
        label="Group of service providers",
        description="In a recovery region: the user pool's group of those who offer services.",
        pattern="[a-z-]{1,128}",
    )


def _names_this_region(made: Stack, env: Environment) -> str:
    """No account could tell which name identity pools want of a pool with the updated issuer."""
    endpoint = f"cognito-idp.{env.region}.amazonaws.com"
    made.parameter(
        "ProviderHost",
        _HERE,
        allowed=(_HERE, endpoint, f"issuer-{endpoint}"),
        group="Sign-in",
        label="Host in the user pool's name",
        description="How the identity pool names the user pool: by its endpoint in this region, by that in "
        "the primary region, or by its issuer. Change it if signed-in users are refused credentials "
        "(Invalid login token): docs/layers/identity.md.",
        constraint="One of the three names.",
    )
    made.conditions["NamesThisRegion"] = Equals(Ref("ProviderHost"), _HERE)
    return "NamesThisRegion"


def _who_gets_which(
    made: Stack, pool: IdentityPool, provider: Any, client: Any, user: Role, service_provider: Role
) -> None:
    """Members of the group get its role; everybody else, and whoever is in doubt, the user's."""
    made.add(
        IdentityPoolRoleAttachment(
            "Roles",
            IdentityPoolId=Ref(pool),
            Roles={"authenticated": GetAtt(user, "Arn")},
            RoleMappings={
                # The key may be any name where IdentityProvider says whose users are meant.
                "Mobile": RoleMapping(
                    IdentityProvider=Sub("${Provider}:${Client}", Provider=provider, Client=client),
                    Type="Rules",
                    AmbiguousRoleResolution="AuthenticatedRole",
                    RulesConfiguration=RulesConfiguration(
                        Rules=[
                            MappingRule(
                                Claim="cognito:groups",
                                MatchType="Contains",
                                Value=_group(made),
                                RoleARN=GetAtt(service_provider, "Arn"),
                            )
                        ]
                    ),
                )
            },
        )
    )


# -- what he may do ------------------------------------------------------------------------------------------


def _role(made: Stack, pool: IdentityPool, name: str, who: str, statements: list[Statement]) -> Role:
    role = made.add(
        Role(
            f"{name}Role",
            Description=f"{who}, with credentials of the identity pool",
            AssumeRolePolicyDocument=PolicyDocument(
                Version="2012-10-17",
                Statement=[
                    Statement(
                        Effect=Allow,
                        Principal=Principal("Federated", _SERVICE),
                        Action=[sts.AssumeRoleWithWebIdentity, sts.TagSession],
                        Condition=Condition(
                            [
                                StringEquals(f"{_SERVICE}:aud", Ref(pool)),
                                ForAnyValueStringLike(f"{_SERVICE}:amr", "authenticated"),
                            ]
                        ),
                    )
                ],
            ),
            Policies=[
                Policy(
                    PolicyName="OwnObjects",
                    PolicyDocument=PolicyDocument(Version="2012-10-17", Statement=statements),
                )
            ],
        )
    )
    suppress(
        role,
        "cdk_nag",
        "AwsSolutions-IAM5",
        "The wildcards stand for objects below the prefix of one user, which the session tag sub names, and "
        "below the prefix that every signed-in user may read; users choose the names of their objects.",
    )
    return role


def _own_objects(bucket: AWSHelperFn) -> list[Statement]:
    return [
        Statement(
            Sid="OwnObjects",
            Effect=Allow,
            Action=[s3.GetObject, s3.PutObject, s3.DeleteObject, s3.AbortMultipartUpload],
            Resource=[_below(bucket, f"{USERS}/{_OWN}/*")],
        ),
        Statement(
            Sid="ListOwnObjects",
            Effect=Allow,
            Action=[s3.ListBucket],
            Resource=[bucket],
            Condition=Condition(StringLike("s3:prefix", f"{USERS}/{_OWN}/*")),
        ),
        Statement(
            Sid="SeeOffers",
            Effect=Allow,
            Action=[s3.GetObject],
            Resource=[_below(bucket, f"{OFFERS}/*")],
        ),
    ]


def _own_offers(bucket: AWSHelperFn) -> Statement:
    return Statement(
        Sid="OwnOffers",
        Effect=Allow,
        Action=[s3.PutObject, s3.DeleteObject, s3.AbortMultipartUpload],
        Resource=[_below(bucket, f"{OFFERS}/{_OWN}/*")],
    )


def _key(bucket: AWSHelperFn, key: AWSHelperFn) -> list[Statement]:
    """The key, only through S3 and only for objects of this bucket (a bucket key's context is the bucket)."""
    return [
        Statement(
            Sid="KeyOfTheBucket",
            Effect=Allow,
            Action=[kms.Decrypt, Action("kms", "GenerateDataKey")],
            Resource=[key],
            Condition=Condition(
                [
                    StringEquals("kms:ViaService", Sub("s3.${AWS::Region}.amazonaws.com")),
                    StringLike("kms:EncryptionContext:aws:s3:arn", [bucket, _below(bucket, "*")]),
                ]
            ),
        )
    ]


def _below(bucket: AWSHelperFn, path: str) -> AWSHelperFn:
    escaped = path.replace("${", "${!")  # IAM's variables, which Sub must leave alone
    return Sub(f"${{Bucket}}/{escaped}", Bucket=bucket)
