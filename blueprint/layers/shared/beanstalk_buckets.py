"""Buckets of AWS that Elastic Beanstalk's instances read: platforms, their parts, the sample application.

Each with its full name, because anybody may own a bucket that begins alike (Developer Guide, "Region-specific
bucket ARN patterns").
"""

from __future__ import annotations

from troposphere import AWSHelperFn, Sub

from blueprint.stacks.stack import Stack

NAMES = (
    "elasticbeanstalk-platform-assets-${AWS::Region}${Suffix}",
    "elasticbeanstalk-env-resources-${AWS::Region}${Suffix}",
    "elasticbeanstalk-samples-${AWS::Region}",
)
_SUFFIX = {"me-central-1": "-f08b818c"}  # where they end differently


def objects(stack: Stack) -> list[AWSHelperFn]:
    """The ARNs of everything in them."""
    suffix = stack.by_region("BeanstalkSuffix", {region: _SUFFIX.get(region, "") for region in stack.regions})
    return [_objects(name, suffix) for name in NAMES]


def _objects(name: str, suffix: AWSHelperFn | str) -> AWSHelperFn:
    text = f"arn:${{AWS::Partition}}:s3:::{name}/*"
    if "${Suffix}" not in text:
        return Sub(text)
    return Sub(text.replace("${Suffix}", suffix)) if isinstance(suffix, str) else Sub(text, Suffix=suffix)
