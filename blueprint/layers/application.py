"""Application: PHP on Elastic Beanstalk, behind a load balancer that asks for sign-in. Promises R1 to R4, R7.

The order is the point. Listeners with their guards come first, then the environment, then a look at what
Beanstalk made (which fails the stack when there is a way past ours), and only then rules that let somebody
through. See docs/decisions/0009-authenticated-load-balancer.md and docs/layers/application.md.
"""

from __future__ import annotations

from typing import Any

from troposphere import AWSHelperFn, AWSObject, GetAtt, If, Join, Ref, Select, Split, Sub
from troposphere.awslambda import Function
from troposphere.elasticbeanstalk import Application as BeanstalkApplication
from troposphere.elasticbeanstalk import (
    ApplicationResourceLifecycleConfig,
    ApplicationVersionLifecycleConfig,
    MaxCountRule,
)

from blueprint.environment import Environment
from blueprint.layers import _application_environment as beanstalk
from blueprint.layers import _application_operations as operations
from blueprint.layers import _application_parameters as parameters
from blueprint.layers import _application_roles as roles
from blueprint.layers import _application_rules as rules
from blueprint.layers._application_balancer import add_balancer
from blueprint.layers.shared.functions import add_custom_resource, add_function
from blueprint.layers.shared.names import beanstalk_environment
from blueprint.layers.shared.suppress import suppress
from blueprint.stacks.places import Place
from blueprint.stacks.stack import Stack

TIMEOUT_SECONDS = 120
_HOST = r"[A-Za-z0-9.-]+"
_CLIENT = r"[A-Za-z0-9]{1,128}"
#: Where the bundle's script puts the certificate authorities that PHP verifies the database with.
DATABASE_CA_FILE = "/etc/pki/tls/database/authorities.pem"
#: Environment property -> output of the database stack, with its pattern.
DATABASE = {
    "DATABASE_WRITER_HOST": ("WriterEndpoint", _HOST),
    "DATABASE_READER_HOST": ("ReaderEndpoint", _HOST),
    "DATABASE_PORT": ("Port", "[0-9]{2,5}"),
    "DATABASE_NAME": ("DatabaseName", "[A-Za-z0-9_]+"),
    "DATABASE_SECRET_ARN": ("ApplicationSecretArn", "arn:[a-z-]+:secretsmanager:.+"),
}
#: Environment property -> output of the cache, which every region has for itself.
CACHE = {"CACHE_HOST": "CacheEndpoint", "CACHE_PORT": "CachePort", "CACHE_SECRET_ARN": "CacheSecretArn"}


def stacks(env: Environment) -> list[Stack]:
    stack = Stack(
        "application",
        env,
        Place.PRIMARY,
        Place.FIRST_RECOVERY,
        purpose="Load balancer, and PHP on Elastic Beanstalk behind it.",
    )
    logs_key = stack.output_of("security", "LogsKeyArn")
    if env.network.nat == "none" or env.network.interface_endpoints:
        stack.wait_for("network-endpoints")  # instances that start before have nobody to call
    parameters.add(stack, env)
    sign_in = _sign_in(stack, env)
    properties, statements = _needs(stack, env)

    balancer = add_balancer(stack, env)
    listeners = rules.add_listeners(stack, balancer, stack.output_of("edge", "CertificateArn"))

    profile, instance_role = roles.add_instance_profile(stack, statements)
    works = roles.add_works(stack, instance_role)
    made = beanstalk.Made(
        _application(stack, env),
        profile,
        roles.add_service_role(stack, works),
        operations.add_role(stack, works, balancer, listeners.parking),
        Ref(balancer),
        {
            **properties,
            "DATABASE_CA_FILE": DATABASE_CA_FILE,
            # For a second look: who signed the identity headers, and who issued a token.
            "LOAD_BALANCER_ARN": Ref(balancer),
            "TOKEN_ISSUER": sign_in.issuer,
        },
    )
    logs = beanstalk.add_log_groups(stack, env, logs_key)
    function = _function(stack, logs_key)
    options = beanstalk.settings(stack, env, made)
    platform = _platform(stack, env, function, beanstalk.changes(stack, made, options))

    environment = beanstalk.add_environment(
        stack,
        env,
        made,
        options,
        GetAtt(platform, "PlatformArn"),
        waits_for=[*(thing.title for thing in (*listeners.refusals, *logs)), operations.ON_BALANCER],
    )
    group = _checked(stack, env, function, balancer, environment, platform, sign_in)
    used, spare = (GetAtt(group, name) for name in ("TargetGroupArn", "SpareTargetGroupArn"))
    rules.add_rules(stack, env, listeners.public, used, spare, sign_in)

    stack.output("LoadBalancerArn", Ref(balancer), "ARN of the load balancer")
    stack.output("LoadBalancerDnsName", GetAtt(balancer, "DNSName"), "DNS name of the load balancer")
    stack.output(
        "LoadBalancerZoneId", GetAtt(balancer, "CanonicalHostedZoneID"), "Hosted zone of the load balancer"
    )
    stack.output("LoadBalancerFullName", GetAtt(balancer, "LoadBalancerFullName"), "Its name in metrics")
    stack.output("ApplicationName", Ref(made.application), "Name of the application of Elastic Beanstalk")
    stack.output("EnvironmentName", Ref(environment), "Name of the environment of Elastic Beanstalk")
    stack.output("PlatformArn", GetAtt(platform, "PlatformArn"), "Platform version that was asked for")
    for name, text in (
        ("TargetGroupFullName", "The target group's name in metrics"),
        ("AutoScalingGroupName", "Name of the group of instances"),
    ):
        stack.output(name, GetAtt(group, name), text)
    return [stack]


# -- what other layers give --------------------------------------------------------------------------------


def _sign_in(stack: Stack, env: Environment) -> rules.SignIn:
    def primary(output: str, label: str, pattern: str) -> AWSHelperFn:
        return stack.from_primary(
            output,
            stack="identity",
            output=output,
            group="Recovery",
            label=label,
            description=f"In a recovery region: output {output} of the identity stack of the primary.",
            pattern=pattern,
        )

    pool = primary("UserPoolId", "User pool", r"[a-z0-9-]+_[A-Za-z0-9]+")
    # A replica has the id of its pool, and an ARN of its own region.
    here = "arn:${AWS::Partition}:cognito-idp:${AWS::Region}:${AWS::AccountId}:userpool/${Pool}"
    # Asked for by the rules of API paths alone.
    address = ("Address of the signing keys", r"https://[A-Za-z0-9./_-]+")
    keys_url = primary("JwksUri", *address) if env.application.api_paths else None
    web = primary("WebClientId", "Client of browsers", _CLIENT)
    return rules.SignIn(
        issuer=primary("Issuer", "Issuer of tokens", r"https://[A-Za-z0-9./_-]+"),
        keys_url=keys_url,
        user_pool_arn=Sub(here, Pool=pool),
        domain=primary("SignInDomain", "Sign-in domain", r"[a-z0-9.-]+"),
        web_client=web,
        clients=(
            primary("MobileClientId", "Client of the mobile app", _CLIENT),
            web,
            primary("MachineClientId", "Client of machines", _CLIENT),
        ),
    )


def _needs(stack: Stack, env: Environment) -> tuple[dict[str, Any], list[Any]]:
    """What PHP reads from its environment, and what its instances may do with it."""
    properties: dict[str, Any] = {}
    for name, (output, pattern) in DATABASE.items():
        properties[name] = stack.from_primary(
            # No parameter is called a secret: this one is an ARN, and checkers go by the name.
            f"Database{output}".replace("ApplicationSecret", "Login"),
            stack="database",
            output=output,
            group="Recovery",
            label=f"Database: {output}",
            description=f"In a recovery region: output {output} of the database stack of the primary.",
            pattern=pattern,
        )
    secret = properties["DATABASE_SECRET_ARN"] = _of_this_region(stack, properties["DATABASE_SECRET_ARN"])
    secret_arns = [secret]
    if env.cache.enabled:
        for name, output in CACHE.items():
            properties[name] = stack.output_of("cache", output)
        secret_arns.append(properties["CACHE_SECRET_ARN"])
    uploads = stack.output_of("storage", "UploadsBucketArn")
    properties["UPLOADS_BUCKET"] = stack.output_of("storage", "UploadsBucketName")
    secrets, storage = (stack.output_of("security", f"{name}KeyArn") for name in ("Credentials", "Storage"))
    return properties, [
        roles.may("secretsmanager", "DescribeSecret GetSecretValue", *secret_arns),
        roles.may("kms", "Decrypt", secrets, Condition=roles.through("secretsmanager")),
        roles.may("s3", "DeleteObject GetObject PutObject RestoreObject", Join("/", [uploads, "*"])),
        roles.may("s3", "ListBucket", uploads),
        roles.may("kms", "Decrypt GenerateDataKey", storage, Condition=roles.through("s3")),
    ]


def _of_this_region(stack: Stack, arn: AWSHelperFn) -> AWSHelperFn:
    """A replica has the name of its secret, the random end included, and an ARN of its own region."""
    if not stack.spans_recovery:
        return arn
    here = "arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:${Name}"
    return Sub(here, Name=Select(6, Split(":", arn)))


# -- Elastic Beanstalk -------------------------------------------------------------------------------------


def _application(stack: Stack, env: Environment) -> BeanstalkApplication:
    role = roles.add_lifecycle_role(stack)
    return stack.add(
        BeanstalkApplication(
            "Application",
            Description=f"{env.project} {env.name}",
            ResourceLifecycleConfig=ApplicationResourceLifecycleConfig(
                ServiceRole=GetAtt(role, "Arn"),
                VersionLifecycleConfig=ApplicationVersionLifecycleConfig(
                    MaxCountRule=MaxCountRule(
                        Enabled=True, MaxCount=env.application.versions_kept, DeleteSourceFromS3=True
                    )
                ),
            ),
        ),
        "application.versions_kept",
    )


def _function(stack: Stack, logs_key: AWSHelperFn) -> Function:
    function = add_function(
        stack,
        "BeanstalkFunction",
        "beanstalk",
        purpose="Looks up platform and target group, and checks the load balancer's rules; reads only",
        statements=[
            roles.may("elasticbeanstalk", "DescribeEnvironments", roles.environment_arn(stack)),
            roles.may("elasticbeanstalk", "ListPlatformVersions"),
            roles.may("cloudformation", "ListStackResources", roles.BEANSTALK_STACKS),
            roles.may(
                "elasticloadbalancing",
                "DescribeListeners DescribeLoadBalancers DescribeRules DescribeTargetGroups",
            ),
            roles.may("ec2", "DescribeSecurityGroupRules"),
        ],
        timeout_seconds=TIMEOUT_SECONDS,
        log_key_arn=logs_key,
    )
    role = stack.resources[f"{function.title}Role"]
    suppress(role, "cfn_nag", "W11", roles.DESCRIBE_ONLY)
    suppress(role, "cdk_nag", "AwsSolutions-IAM5", roles.WILDCARDS)
    return function


def _platform(stack: Stack, env: Environment, function: Function, changes: list[Any]) -> AWSObject:
    return add_custom_resource(
        stack,
        "Platform",
        "Custom::BeanstalkPlatform",
        function,
        {
            "Branch": f"PHP {env.application.php} running on 64bit Amazon Linux 2023",
            "Version": Ref(stack.parameters["PlatformVersion"]),
            "EnvironmentName": beanstalk_environment(env),
            "Recheck": Ref(stack.parameters["Recheck"]),
            "Changes": changes,
        },
        setting="application.php",
    )


def _checked(
    stack: Stack,
    env: Environment,
    function: Function,
    balancer: AWSObject,
    environment: AWSObject,
    platform: AWSObject,
    sign_in: rules.SignIn,
) -> AWSObject:
    """The target group that Beanstalk made, once nothing gets past our rules to it."""
    return add_custom_resource(
        stack,
        "TargetGroup",
        "Custom::CheckedTargetGroup",
        function,
        {
            "EnvironmentName": Ref(environment),
            "LoadBalancerArn": Ref(balancer),
            "ParkingPort": str(rules.PARKING),
            "Protocol": If(parameters.USES_TLS, "HTTPS", "HTTP"),
            "Hosts": rules.hosts(env),
            "PublicPaths": list(env.application.public_paths),
            "Issuers": [sign_in.issuer],
            "Keys": [sign_in.keys_url] if sign_in.keys_url else [],
            "Clients": list(sign_in.clients),
            "UserPools": [sign_in.user_pool_arn],
            "WebClients": [sign_in.web_client],
            "Asked": GetAtt(platform, "Asked"),  # another one after every change of the environment
        },
        setting="application",
    )
