"""The user pool: what is decided once, and what may change.

Cognito never lets a pool change how people are named, nor an attribute. So people are named by their e-mail
address, without regard to case, and no attribute is declared at all: the standard ones exist anyhow, may be
empty (a social provider need not give an address) and can change (a provider's must). A declared one would
have to be repeated to the letter in every update. docs/layers/identity.md says how to add one of your own.
"""

from __future__ import annotations

from typing import Any

from troposphere import Parameter, Ref, Sub
from troposphere.awslambda import Function
from troposphere.cognito import (
    AccountRecoverySetting,
    AccountTakeoverActionsType,
    AccountTakeoverActionType,
    AccountTakeoverRiskConfigurationType,
    AdminCreateUserConfig,
    AdvancedSecurityAdditionalFlows,
    CompromisedCredentialsActionsType,
    CompromisedCredentialsRiskConfigurationType,
    EmailConfiguration,
    IssuerConfiguration,
    KeyConfiguration,
    LambdaConfig,
    PasswordPolicy,
    Policies,
    RecoveryOption,
    SignInPolicy,
    UserAttributeUpdateSettings,
    UsernameConfiguration,
    UserPool,
    UserPoolAddOns,
    UserPoolGroup,
    UserPoolRiskConfigurationAttachment,
    VerificationMessageTemplate,
)

from blueprint.environment import Environment
from blueprint.layers.shared.suppress import suppress
from blueprint.stacks.stack import Stack

TEMPORARY_PASSWORD_DAYS = 7
_MFA = {"off": "OFF", "optional": "OPTIONAL", "required": "ON"}
_GROUP = "Protection of accounts"


def add(stack: Stack, env: Environment, trigger: Function | None) -> UserPool:
    pool = stack.add_stateful(
        UserPool(
            "UserPool",
            UserPoolName=f"{env.project}-{env.name}-users",
            UserPoolTier=env.identity.tier.upper(),
            DeletionProtection=Ref(_deletion_protection(stack, env)),
            # Decided once, for every environment alike.
            UsernameAttributes=["email"],
            UsernameConfiguration=UsernameConfiguration(CaseSensitive=False),
            # Whoever takes another address proves it before it counts: merging accounts rests on that.
            AutoVerifiedAttributes=["email"],
            UserAttributeUpdateSettings=UserAttributeUpdateSettings(
                AttributesRequireVerificationBeforeUpdate=["email"]
            ),
            # By code, not by link: who only reads the mail and clicks would confirm a stranger's sign-up.
            VerificationMessageTemplate=VerificationMessageTemplate(DefaultEmailOption="CONFIRM_WITH_CODE"),
            AccountRecoverySetting=AccountRecoverySetting(
                RecoveryMechanisms=[RecoveryOption(Name="verified_email", Priority=1)]
            ),
            AdminCreateUserConfig=AdminCreateUserConfig(
                AllowAdminCreateUserOnly=not env.identity.self_sign_up
            ),
            Policies=_policies(stack, env),
            EmailConfiguration=_email(env),
            UserPoolTags={**env.all_tags, "stack": stack.name},
            **_second_factor(env),
            **_passkeys(env),
            **_threat_protection(env),
            **_replicable(stack, env),
            **({"LambdaConfig": LambdaConfig(PreSignUp=trigger.get_att("Arn"))} if trigger else {}),
        ),
        setting="identity",
    )
    _explain(env, pool)
    if env.identity.threat_protection == "enforced":
        _respond_to_threats(stack, pool)
    return pool


def add_group(stack: Stack, pool: UserPool) -> UserPoolGroup:
    return stack.add(
        UserPoolGroup(
            "ServiceProviders",
            UserPoolId=Ref(pool),
            GroupName="service-providers",
            Description="Those who offer services. Only administrators put somebody into it.",
        )
    )


def issuer_host(env: Environment) -> str:
    """The host of the issuer in a text for ``Sub``. The primary region's, in the tokens of a replica too."""
    prefix = "issuer-" if env.replicable_users else ""
    return f"{prefix}cognito-idp.${{AWS::Region}}.amazonaws.com"


# -- parts of the pool ---------------------------------------------------------------------------------------


def _deletion_protection(stack: Stack, env: Environment) -> Parameter:
    return stack.parameter(
        "DeletionProtection",
        "ACTIVE" if env.identity.deletion_protection else "INACTIVE",
        allowed=("ACTIVE", "INACTIVE"),
        group=_GROUP,
        label="Deletion protection",
        description="Whether Cognito refuses to delete the pool with all its users.",
        constraint="ACTIVE or INACTIVE.",
    )


def _policies(stack: Stack, env: Environment) -> Policies:
    length = stack.parameter(
        "PasswordLength",
        env.identity.password_length,
        kind="Number",
        minimum=8,
        maximum=99,
        group=_GROUP,
        label="Shortest password",
        description="Characters that a new password has at least. Passwords in use stay valid.",
        constraint="A number from 8 to 99.",
    )
    # No codes by mail or SMS as the only factor: they would open accounts that have no password at all.
    factors = ["PASSWORD", *(["WEB_AUTHN"] if env.identity.passkeys else [])]
    return Policies(
        PasswordPolicy=PasswordPolicy(
            MinimumLength=Ref(length),
            RequireLowercase=True,
            RequireUppercase=True,
            RequireNumbers=True,
            RequireSymbols=True,
            TemporaryPasswordValidityDays=TEMPORARY_PASSWORD_DAYS,
        ),
        SignInPolicy=SignInPolicy(AllowedFirstAuthFactors=factors),
    )


def _second_factor(env: Environment) -> dict[str, Any]:
    """An authenticator app: no code by SMS, which others can get, nor by the mail that resets passwords."""
    factors = {} if env.identity.mfa == "off" else {"EnabledMfas": ["SOFTWARE_TOKEN_MFA"]}
    return {"MfaConfiguration": _MFA[env.identity.mfa], **factors}


def _passkeys(env: Environment) -> dict[str, Any]:
    """Passkeys belong to the domain where they were made; for one of Cognito's it is left to Cognito."""
    if not env.identity.passkeys:
        return {}
    second = "SINGLE_FACTOR" if env.identity.mfa == "off" else "MULTI_FACTOR_WITH_USER_VERIFICATION"
    domain = {"WebAuthnRelyingPartyID": env.sign_in_domain} if env.sign_in_domain else {}
    return {"WebAuthnUserVerification": "required", "WebAuthnFactorConfiguration": second, **domain}


def _threat_protection(env: Environment) -> dict[str, Any]:
    if env.identity.threat_protection == "off":
        return {}
    mode = env.identity.threat_protection.upper()
    flows = AdvancedSecurityAdditionalFlows(CustomAuthMode=mode)
    return {
        "UserPoolAddOns": UserPoolAddOns(AdvancedSecurityMode=mode, AdvancedSecurityAdditionalFlows=flows)
    }


def _replicable(stack: Stack, env: Environment) -> dict[str, Any]:
    """What a replica needs, and what no pool in use can get without ending every session."""
    if not env.replicable_users:
        return {}
    key = stack.output_of("security", "IdentityKeyArn")
    return {
        "IssuerConfiguration": IssuerConfiguration(Type="UPDATED"),
        "KeyConfiguration": KeyConfiguration(KeyType="CUSTOMER_MANAGED_KEY", KmsKeyArn=key),
    }


def _email(env: Environment) -> EmailConfiguration:
    sender = env.identity.email.from_address
    if not sender:
        return EmailConfiguration(EmailSendingAccount="COGNITO_DEFAULT")
    region = env.identity.email.ses_region or env.region
    domain = sender.rpartition("@")[2]
    return EmailConfiguration(
        EmailSendingAccount="DEVELOPER",
        From=sender,
        SourceArn=Sub(f"arn:${{AWS::Partition}}:ses:{region}:${{AWS::AccountId}}:identity/{domain}"),
    )


def _respond_to_threats(stack: Stack, pool: UserPool) -> None:
    """Ask for a second factor where there is one; without one, stop only what is surely an attack."""

    def act(action: str) -> AccountTakeoverActionType:
        return AccountTakeoverActionType(EventAction=action, Notify=False)  # mails of it need texts of yours

    stack.add(
        UserPoolRiskConfigurationAttachment(
            "ThreatResponse",
            UserPoolId=Ref(pool),
            ClientId="ALL",
            CompromisedCredentialsRiskConfiguration=CompromisedCredentialsRiskConfigurationType(
                Actions=CompromisedCredentialsActionsType(EventAction="BLOCK")
            ),
            AccountTakeoverRiskConfiguration=AccountTakeoverRiskConfigurationType(
                Actions=AccountTakeoverActionsType(
                    LowAction=act("MFA_IF_CONFIGURED"),
                    MediumAction=act("MFA_IF_CONFIGURED"),
                    HighAction=act("BLOCK"),
                )
            ),
        ),
        setting="identity.threat_protection",
    )


def _explain(env: Environment, pool: UserPool) -> None:
    """Tell checkers what is the environment's own choice."""
    if env.identity.mfa != "required":
        suppress(
            pool,
            "cdk_nag",
            "AwsSolutions-COG2",
            "Consumers choose a second factor themselves, and passkeys verify their user; staff sign in to "
            "AWS elsewhere. identity.mfa: required forces it where the business wants that.",
        )
    if env.identity.threat_protection != "enforced":
        suppress(
            pool,
            "cdk_nag",
            "AwsSolutions-COG3",
            "Threat protection belongs to the Plus plan, charged for every active user. The environment file "
            "turns it on (identity.tier, identity.threat_protection); until then passkeys, long passwords "
            "and second factors protect accounts.",
        )
