"""The load balancer: ours, not Beanstalk's, so that its rules stand in our templates."""

from __future__ import annotations

from troposphere import AWSHelperFn, Ref, Tags
from troposphere.elasticloadbalancingv2 import LoadBalancer, LoadBalancerAttributes

from blueprint.environment import Environment
from blueprint.layers.shared.buckets import ELB_LOGS
from blueprint.layers.shared.suppress import suppress
from blueprint.stacks.stack import Stack

IDLE_SECONDS = 60
LOGS = ("access_logs", "connection_logs", "health_check_logs")


def add_balancer(stack: Stack, env: Environment) -> LoadBalancer:
    """An internet-facing load balancer in the public subnets; it keeps logs and drops what is malformed."""
    subnets = [stack.output_of("network", f"PublicSubnet{n + 1}Id") for n in range(env.network.zones)]
    bucket = stack.output_of("storage", "AccessBucketName")
    balancer = stack.add(
        LoadBalancer(
            "LoadBalancer",
            Type="application",
            Scheme="internet-facing",
            IpAddressType="dualstack" if env.network.dual_stack else "ipv4",
            Subnets=subnets,
            SecurityGroups=[stack.output_of("network", "LoadBalancerSecurityGroupId")],
            LoadBalancerAttributes=[
                LoadBalancerAttributes(Key=key, Value=value)
                for key, value in _attributes(stack, env, bucket).items()
            ],
            Tags=Tags(Name=f"{env.project}-{env.name}"),
        )
    )
    reason = "The web ACL belongs to the edge layer, which associates it by the ARN that this stack exports."
    suppress(balancer, "guard", "ALB_WAF_ENABLED", reason)
    return balancer


def _attributes(stack: Stack, env: Environment, bucket: AWSHelperFn) -> dict[str, str | AWSHelperFn]:
    protection = stack.parameter(
        "DeletionProtection",
        str(env.application.deletion_protection).lower(),
        allowed=("true", "false"),
        group="Load balancer",
        label="Protect the load balancer from deletion",
        description="While true, neither a person nor CloudFormation can delete the load balancer, not even "
        "to take back a first creation that failed. Set it to false before deleting the stack.",
        constraint="true or false.",
    )
    attributes: dict[str, str | AWSHelperFn] = {
        "deletion_protection.enabled": Ref(protection),
        "routing.http.drop_invalid_header_fields.enabled": "true",
        # Requests that proxies could read in two ways are refused: they are how smuggling works.
        "routing.http.desync_mitigation_mode": "strictest",
        "routing.http.xff_header_processing.mode": "append",
        "routing.http.x_amzn_tls_version_and_cipher_suite.enabled": "true",
        "waf.fail_open.enabled": "false",
        "idle_timeout.timeout_seconds": str(IDLE_SECONDS),
        "zonal_shift.config.enabled": "true",
    }
    for kind in LOGS:
        attributes[f"{kind}.s3.enabled"] = "true"
        attributes[f"{kind}.s3.bucket"] = bucket
        attributes[f"{kind}.s3.prefix"] = ELB_LOGS
    return attributes
