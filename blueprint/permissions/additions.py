"""What the resource schemas leave out of the permissions that their handlers need, or put in for others.

Each line says where it is known from. "SAR" is the Service Authorization Reference, whose column of dependent
actions names what a service does with its caller's rights; read November 2026.
"""

from __future__ import annotations

from typing import NamedTuple

from blueprint.permissions.resources import Made


class Addition(NamedTuple):
    """Actions (names separated by blanks) that a resource type needs beside its schema's."""

    resource_type: str
    service: str
    names: str
    source: str

    @property
    def actions(self) -> list[str]:
        return [f"{self.service}:{name}" for name in self.names.split()]


_GRANTS = "CreateGrant Decrypt DescribeKey GenerateDataKey"
ADDITIONS = (
    Addition(
        "AWS::RDS::DBCluster", "kms", _GRANTS, "SAR, CreateDBCluster: for the key of storage and insights"
    ),
    Addition("AWS::RDS::DBInstance", "kms", _GRANTS, "SAR, CreateDBInstance"),
    Addition(
        "AWS::RDS::GlobalCluster", "kms", _GRANTS, "SAR, CreateGlobalCluster takes over its cluster's key"
    ),
    Addition(
        "AWS::SecretsManager::Secret",
        "kms",
        "Decrypt DescribeKey Encrypt GenerateDataKey",
        "Secrets Manager User Guide, encryption: the creator's rights to the key are used, replicas included",
    ),
    Addition(
        "AWS::ElastiCache::ReplicationGroup",
        "ec2",
        "CreateNetworkInterface DeleteNetworkInterface DescribeNetworkInterfaces DescribeSecurityGroups "
        "DescribeSubnets DescribeVpcs",
        "SAR, CreateReplicationGroup",
    ),
    Addition(
        "AWS::ElastiCache::SubnetGroup", "ec2", "DescribeSubnets DescribeVpcs", "SAR, CreateCacheSubnetGroup"
    ),
    Addition(
        "AWS::ElasticLoadBalancingV2::LoadBalancer",
        "ec2",
        "DescribeAccountAttributes DescribeAddresses DescribeInternetGateways DescribeSecurityGroups "
        "DescribeSubnets DescribeVpcs",
        "Elastic Load Balancing, identity and access management: API permissions",
    ),
    Addition("AWS::ElasticLoadBalancingV2::Listener", "acm", "DescribeCertificate", "as above, for HTTPS"),
    Addition(
        "AWS::CertificateManager::Certificate", "route53", "GetChange", "validation by DNS waits for it"
    ),
    Addition(
        "AWS::ElasticBeanstalk::Environment",
        "autoscaling",
        "AttachInstances AttachLoadBalancerTargetGroups CreateAutoScalingGroup CreateOrUpdateTags "
        "DeleteAutoScalingGroup DeletePolicy DeleteScheduledAction DeleteTags Describe* DetachInstances "
        "DetachLoadBalancerTargetGroups PutNotificationConfiguration PutScalingPolicy "
        "PutScheduledUpdateGroupAction ResumeProcesses SetDesiredCapacity SuspendProcesses "
        "TerminateInstanceInAutoScalingGroup UpdateAutoScalingGroup",
        "Developer Guide, user policy: Beanstalk makes groups with its caller's rights unless an operations "
        "role is set; AWS's policy AdministratorAccess-AWSElasticBeanstalk has which",
    ),
    Addition(
        "AWS::ElasticBeanstalk::Environment",
        "cloudformation",
        "CancelUpdateStack ContinueUpdateRollback CreateStack DeleteStack DescribeStackEvents "
        "DescribeStackResource DescribeStackResources DescribeStacks GetTemplate ListStackResources "
        "SignalResource TagResource UntagResource UpdateStack",
        "as above: the stack awseb-e-<id> of the environment",
    ),
    Addition(
        "AWS::ElasticBeanstalk::Environment",
        "cloudwatch",
        "DeleteAlarms DescribeAlarms PutMetricAlarm",
        "as above: alarms that scale",
    ),
    Addition(
        "AWS::ElasticBeanstalk::Environment",
        "ec2",
        "CreateLaunchTemplate CreateLaunchTemplateVersion CreateTags DeleteLaunchTemplate "
        "DeleteLaunchTemplateVersions DeleteTags Describe* GetConsoleOutput RunInstances TerminateInstances",
        "as above: instances and the template they start from",
    ),
    Addition(
        "AWS::ElasticBeanstalk::Environment",
        "elasticloadbalancing",
        "AddTags CreateRule CreateTargetGroup DeleteRule DeleteTargetGroup DeregisterTargets Describe* "
        "ModifyRule ModifyTargetGroup ModifyTargetGroupAttributes RegisterTargets RemoveTags "
        "SetSecurityGroups",
        "as above: its target groups, and rules at a load balancer that it shares",
    ),
    Addition(
        "AWS::ElasticBeanstalk::Environment",
        "s3",
        "CreateBucket DeleteObject GetBucket* GetObject GetObjectAcl GetObjectVersion GetObjectVersionAcl "
        "ListBucket PutBucketOwnershipControls PutBucketPolicy PutBucketPublicAccessBlock PutObject "
        "PutObjectAcl PutObjectVersionAcl",
        "as above: its bucket of the region, which the first environment there makes",
    ),
    Addition(
        "AWS::ElasticBeanstalk::Environment",
        "logs",
        "CreateLogGroup DeleteLogGroup Describe* PutRetentionPolicy",
        "as above: it asks for log groups that are there already, too",
    ),
    Addition(
        "AWS::ElasticBeanstalk::Environment",
        "elasticbeanstalk",
        "AbortEnvironmentUpdate ApplyEnvironmentManagedAction CreateApplicationVersion CreateStorageLocation "
        "DeleteApplicationVersion DescribeApplicationVersions DescribeEnvironmentHealth "
        "DescribeEnvironmentManagedActions DescribeEnvironmentResources DescribeEvents "
        "DescribeInstancesHealth RebuildEnvironment ValidateConfigurationSettings",
        "what the release command calls, and what an update calls on itself",
    ),
    Addition(
        "AWS::ElasticBeanstalk::Environment",
        "iam",
        "GetInstanceProfile GetRole ListInstanceProfiles ListRoles",
        "as above: it looks its roles up",
    ),
)

#: Types whose schema has no handlers, or whose work is an invocation; the "*" stands for every custom
#: resource.
CUSTOM = Addition(
    "Custom::*", "lambda", "InvokeFunction", "CloudFormation invokes with the rights of its caller"
)

#: What a handler calls for one property only: resource type and service (or action) -> any of these
#: properties, or a value of one.
ONLY_WITH: dict[tuple[str, str], tuple[str, ...]] = {
    ("AWS::ApplicationAutoScaling::ScalableTarget", "lambda"): ("lambda",),
    ("AWS::CertificateManager::Certificate", "acm-pca"): ("CertificateAuthorityArn",),
    ("AWS::CloudTrail::Trail", "organizations"): ("IsOrganizationTrail",),
    ("AWS::Cognito::IdentityPool", "cognito-sync"): ("CognitoEvents", "CognitoStreams", "PushSync"),
    ("AWS::Cognito::UserPoolClient", "iam"): ("AnalyticsConfiguration",),
    ("AWS::Cognito::UserPoolDomain", "cloudfront"): ("CustomDomainConfig",),
    ("AWS::Cognito::UserPoolGroup", "iam"): ("RoleArn",),
    ("AWS::EC2::FlowLog", "s3"): ("LogDestination",),
    ("AWS::EC2::VPCEndpoint", "vpc-lattice"): ("ServiceNetworkArn",),
    ("AWS::EC2::VPCEndpoint", "vpce"): ("ServiceRegion",),
    ("AWS::EC2::VPCGatewayAttachment", "ec2:AttachVpnGateway"): ("VpnGatewayId",),
    ("AWS::EC2::VPCGatewayAttachment", "ec2:DetachVpnGateway"): ("VpnGatewayId",),
    ("AWS::ElastiCache::ReplicationGroup", "firehose"): ("KinesisFirehoseDetails",),
    ("AWS::ElastiCache::ReplicationGroup", "s3"): ("SnapshotArns",),
    ("AWS::Lambda::Function", "elasticfilesystem"): ("FileSystemConfigs",),
    ("AWS::Lambda::Function", "lambda:GetCodeSigningConfig"): ("CodeSigningConfigArn",),
    ("AWS::Lambda::Function", "lambda:GetLayerVersion"): ("Layers",),
    ("AWS::Lambda::Function", "lambda:PassCapacityProvider"): ("CapacityProviderConfig",),
    ("AWS::Lambda::Function", "lambda:PutFunctionCodeSigningConfig"): ("CodeSigningConfigArn",),
    ("AWS::Lambda::Function", "s3"): ("S3Bucket",),
    ("AWS::Lambda::Function", "s3files"): ("FileSystemConfigs",),
    ("AWS::Logs::LogGroup", "firehose"): ("DataProtectionPolicy",),
    ("AWS::S3::Bucket", "s3tables"): ("MetadataConfiguration", "MetadataTableConfiguration"),
}

#: Permissions in schemas that are refused on purpose, with the reason.
REFUSED = {
    "iam:DeleteRolePermissionsBoundary": "a role without its boundary could do whatever its author wrote",
}

#: Service-linked roles: resource type -> service whose role is made with its first resource in an account.
_LINKED = {
    "AWS::EC2::FlowLog": ("delivery.logs",),  # VPC User Guide, publishing flow logs
    "AWS::EC2::NatGateway": ("ec2-nat-gateway",),  # VPC User Guide, service-linked role of regional gateways
    "AWS::ElastiCache::ReplicationGroup": ("elasticache",),
    "AWS::ElasticBeanstalk::Environment": (
        "autoscaling",
        "elasticbeanstalk",
        "elasticloadbalancing",
        "maintenance.elasticbeanstalk",
        "managedupdates.elasticbeanstalk",
        "spot",
    ),  # AdministratorAccess-AWSElasticBeanstalk
    "AWS::ElasticLoadBalancingV2::LoadBalancer": ("elasticloadbalancing",),
    "AWS::KMS::ReplicaKey": ("mrk.kms",),  # KMS Developer Guide, multi-Region keys: who may create them
    "AWS::RDS::DBCluster": ("rds",),
    "AWS::RDS::DBInstance": ("rds",),
}


def linked_services(made: Made) -> list[str]:
    """The services whose service-linked roles a deployment may have to make, as principals."""
    found = {name for kind, names in _LINKED.items() if made.mentions(kind) for name in names}
    for target in made.of_type("AWS::ApplicationAutoScaling::ScalableTarget"):
        # Application Auto Scaling User Guide, service-linked roles: one for each service that it scales.
        found.add(f"{target.properties['ServiceNamespace']}.application-autoscaling")
    if made.mentions("AWS::KMS::Key", "MultiRegion"):
        found.add("mrk.kms")
    if made.mentions("AWS::Cognito::UserPool", "SourceArn"):
        found.add(
            "email.cognito-idp"
        )  # Cognito Developer Guide, e-mail settings: with an SES identity of ours
    return sorted(f"{name}.amazonaws.com" for name in found)
