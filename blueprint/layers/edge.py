"""Edge: the domain's zone, its certificates, and the address of the load balancer. Promises R1 and R11.

Four stacks, because what is needed first and what is known last must not wait for one another: the zone
comes before everything, the certificates before the load balancer and the sign-in domain, the address after
the load balancer. docs/layers/edge.md says what a person has to do in between.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from troposphere import AWSHelperFn, GetAtt, Join, Ref, Tags
from troposphere.certificatemanager import Certificate, DomainValidationOption
from troposphere.route53 import AliasTarget, HostedZone, HostedZoneConfiguration, RecordSetType

from blueprint.environment import Environment
from blueprint.stacks.places import Place
from blueprint.stacks.stack import Stack

#: What stands at the domain until a website does: Cognito wants to find an address there before it accepts
#: auth.<domain>, and never calls it. From TEST-NET-1 (RFC 5737): nobody has it, so nobody can answer from it.
PLACEHOLDER = "192.0.2.1"
PLACEHOLDER_SECONDS = "300"  # resolvers keep it; short, because a website will take its place
CAA_SECONDS = "3600"
AMAZON = "amazon.com"  # what Amazon's authority calls itself


def stacks(env: Environment) -> list[Stack]:
    made = [_dns(env), _certificates(env), _records(env)]
    return [*made, _sign_in(env)] if env.sign_in_domain else made


# -- the zone ------------------------------------------------------------------------------------------------


def _dns(env: Environment) -> Stack:
    stack = Stack(
        "edge-dns",
        env,
        Place.PRIMARY,
        purpose=f"Records of {env.domain} in an existing hosted zone."
        if env.edge.hosted_zone_id
        else f"Hosted zone of {env.domain}. When it is new, have the domain above it (or the registrar) "
        "point to the output NameServers, before any other edge stack.",
    )
    zone_id = env.edge.hosted_zone_id or _zone(stack, env)
    if env.edge.apex_records:
        stack.add(
            RecordSetType(
                "DomainAddress",
                HostedZoneId=zone_id,
                Name=env.domain,
                Type="A",
                TTL=PLACEHOLDER_SECONDS,
                ResourceRecords=[PLACEHOLDER],
            ),
            setting="edge.apex_records",
        )
        _only_authorities(stack, "Domain", env.domain, zone_id, env.edge.certificate_authorities)
    _only_authorities(stack, "Api", env.api_domain, zone_id)
    if env.sign_in_domain:
        _only_authorities(stack, "SignIn", env.sign_in_domain, zone_id)
    stack.output("HostedZoneId", zone_id, f"Hosted zone with the records of {env.domain}")
    return stack


def _zone(stack: Stack, env: Environment) -> AWSHelperFn:
    zone = stack.add_stateful(
        HostedZone(
            "HostedZone",
            Name=env.domain,
            HostedZoneConfig=HostedZoneConfiguration(Comment=f"{env.project} {env.name}"),
            HostedZoneTags=Tags(**env.all_tags, stack=stack.name),
        ),
        setting="domain",
    )
    stack.output(
        "NameServers",
        Join(", ", GetAtt(zone, "NameServers")),
        f"NS record to make for {env.domain} in the domain above it, or name servers to set at the registrar",
    )
    return Ref(zone)


def _only_authorities(
    stack: Stack, title: str, name: str, zone_id: str | AWSHelperFn, others: Sequence[str] = ()
) -> None:
    """Let no certificate authority but Amazon's, and ``others``, issue certificates for ``name``.

    It also frees us from CAA records of the domains above, which count only where there is none below them.
    """
    stack.add(
        RecordSetType(
            f"{title}Authorities",
            HostedZoneId=zone_id,
            Name=name,
            Type="CAA",
            TTL=CAA_SECONDS,
            ResourceRecords=[f'0 issue "{authority}"' for authority in dict.fromkeys((AMAZON, *others))],
        ),
        setting="edge.certificate_authorities" if others else "",
    )


# -- certificates --------------------------------------------------------------------------------------------


def _certificates(env: Environment) -> Stack:
    """Each region has its own certificate of the same names. ACM asks for the same validation record in both,
    and leaves it when a certificate is deleted, so that neither region can take it from the other.
    """
    stack = Stack(
        "edge",
        env,
        Place.PRIMARY,
        Place.FIRST_RECOVERY,
        purpose=f"Certificate of the load balancer at {env.api_domain}. It waits until name servers of the "
        "zone answer for the domain.",
    )
    zone_id = stack.from_primary(
        "HostedZoneId",
        stack="edge-dns",
        output="HostedZoneId",
        group="Recovery",
        label="Id of the hosted zone",
        description="In a recovery region: the zone in which the certificate proves that the domain is ours.",
        pattern="Z[0-9A-Z]{1,31}",
    )
    certificate = _certificate(stack, "Certificate", (env.api_domain, env.domain), zone_id)
    stack.output("CertificateArn", Ref(certificate), f"Certificate for {env.api_domain} and {env.domain}")
    return stack


def _sign_in(env: Environment) -> Stack:
    """Cognito shows the sign-in domain through CloudFront, which reads certificates in us-east-1 only."""
    stack = Stack(
        "edge-signin",
        env,
        Place.US_EAST_1,
        purpose=f"Certificate of the sign-in domain {env.sign_in_domain}. It waits until name servers of the "
        "zone answer for the domain.",
    )
    zone_id = stack.output_of("edge-dns", "HostedZoneId")
    certificate = _certificate(stack, "SignInCertificate", (env.sign_in_domain,), zone_id)
    stack.output("SignInCertificateArn", Ref(certificate), f"Certificate for {env.sign_in_domain}")
    return stack


def _certificate(stack: Stack, title: str, names: Sequence[str], zone_id: AWSHelperFn) -> Certificate:
    """A certificate that CloudFormation validates by itself, for it knows the zone of every name.

    No name can change later: another list makes another certificate, whose ARN is exported and in use. What
    a replacement leaves behind stays, because ACM deletes no certificate that something uses.
    """
    others = {"SubjectAlternativeNames": list(names[1:])} if names[1:] else {}
    return stack.add(
        Certificate(
            title,
            DeletionPolicy="Delete",
            UpdateReplacePolicy="Retain",
            DomainName=names[0],
            **others,
            ValidationMethod="DNS",
            DomainValidationOptions=[
                DomainValidationOption(DomainName=name, HostedZoneId=zone_id) for name in names
            ],
            KeyAlgorithm="RSA_2048",  # which every client and every service that takes certificates can use
            CertificateTransparencyLoggingPreference="ENABLED",
        ),
        setting="domain",
    )


# -- the address ---------------------------------------------------------------------------------------------


def _records(env: Environment) -> Stack:
    """The load balancer's address. Always in a group of its own with a failover policy, though it is alone.

    A record can join a group later, and none can be turned into one: Route 53 refuses a record with a policy
    beside one without, and the identifier is part of what a record is. So the recovery region's record will
    be added without touching this one, also where such a region is asked for one day only.
    """
    stack = Stack(
        "edge-records",
        env,
        Place.PRIMARY,
        purpose=f"Address of the load balancer: {env.api_domain}.",
    )
    target = AliasTarget(
        HostedZoneId=stack.output_of("application", "LoadBalancerZoneId"),
        # The name with which a load balancer answers for IPv6, where it has it, as well as for IPv4.
        DNSName=Join(".", ["dualstack", stack.output_of("application", "LoadBalancerDnsName")]),
        # Route 53 demands it of a failover alias. Alone in its group, the record is given out healthy or not.
        EvaluateTargetHealth=True,
    )
    for title, kind in _address_kinds(env).items():
        stack.add(
            RecordSetType(
                title,
                HostedZoneId=stack.output_of("edge-dns", "HostedZoneId"),
                Name=env.api_domain,
                Type=kind,
                AliasTarget=target,
                Failover="PRIMARY",
                SetIdentifier=env.region,
            ),
            setting="network.dual_stack" if kind == "AAAA" else "domain",
        )
    return stack


def _address_kinds(env: Environment) -> Mapping[str, str]:
    return {"ApiAddress": "A", **({"ApiAddressV6": "AAAA"} if env.network.dual_stack else {})}
