"""The domain of the sign-in pages: one of ours, which can move to another region, or one of Cognito's."""

from __future__ import annotations

from troposphere import GetAtt, Ref
from troposphere.cognito import CustomDomainConfigType, UserPool, UserPoolDomain
from troposphere.route53 import AliasTarget, RecordSetType

from blueprint.environment import Environment
from blueprint.layers.shared.names import sign_in_prefix
from blueprint.stacks.stack import Stack

MANAGED_LOGIN = 2  # the current pages; 1 is the hosted UI of old
#: The hosted zone of every CloudFront distribution (Route 53 API reference, AliasTarget).
CLOUDFRONT_ZONE = "Z2FDTNDATAQYW2"


def add(stack: Stack, env: Environment, pool: UserPool) -> UserPoolDomain:
    if not env.sign_in_domain:
        return stack.add(
            UserPoolDomain(
                "SignInDomain",
                UserPoolId=Ref(pool),
                Domain=sign_in_prefix(env),
                ManagedLoginVersion=MANAGED_LOGIN,
            )
        )
    # Before Cognito takes a domain, the one above it must have an address. The stack that makes the zone
    # makes that address, and is complete when its output can be read.
    zone_id = stack.output_of("edge-dns", "HostedZoneId")
    domain = stack.add(
        UserPoolDomain(
            "SignInDomain",
            UserPoolId=Ref(pool),
            Domain=env.sign_in_domain,
            ManagedLoginVersion=MANAGED_LOGIN,
            CustomDomainConfig=CustomDomainConfigType(
                CertificateArn=stack.output_of("edge-signin", "SignInCertificateArn"),
                SecurityPolicy="TLS_V1_2_2021",  # TLS 1.2 and 1.3
            ),
        ),
        setting="edge.custom_sign_in",
    )
    stack.add(
        RecordSetType(
            "SignInAddress",
            HostedZoneId=zone_id,
            Name=env.sign_in_domain,
            Type="A",
            AliasTarget=AliasTarget(
                DNSName=GetAtt(domain, "CloudFrontDistribution"), HostedZoneId=CLOUDFRONT_ZONE
            ),
        ),
        setting="edge.custom_sign_in",
    )
    return domain
