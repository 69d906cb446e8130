"""Buckets of AWS that instances read: named in full, and by the ending that a region gives them."""

from __future__ import annotations

import json

import pytest
from troposphere import encode_to_dict

from blueprint.layers.shared import beanstalk_buckets
from blueprint.stacks.places import Place
from blueprint.stacks.stack import Stack
from tests.conftest import RECOVERY


@pytest.fixture
def arns(env):
    def make(**over):
        stack = Stack("application", env(**over), Place.PRIMARY, Place.RECOVERY, purpose="x")
        return encode_to_dict(beanstalk_buckets.objects(stack)), stack.mapping

    return make


def test_every_bucket_is_named_in_full_and_only_its_objects_are_meant(arns):
    found, _ = arns()
    assert [arn["Fn::Sub"] for arn in found] == [
        "arn:${AWS::Partition}:s3:::elasticbeanstalk-platform-assets-${AWS::Region}/*",
        "arn:${AWS::Partition}:s3:::elasticbeanstalk-env-resources-${AWS::Region}/*",
        "arn:${AWS::Partition}:s3:::elasticbeanstalk-samples-${AWS::Region}/*",
    ]


def test_where_a_region_names_them_otherwise_its_ending_is_used(arns):
    found, _ = arns(region="me-central-1")
    endings = ["-f08b818c" in arn["Fn::Sub"] for arn in found]
    assert endings == [True, True, False]


def test_a_template_for_two_regions_looks_the_ending_up(arns):
    found, mapping = arns(region="me-central-1", **RECOVERY)
    assert mapping == {
        "me-central-1": {"BeanstalkSuffix": "-f08b818c"},
        "eu-central-1": {"BeanstalkSuffix": ""},
    }
    assert "Fn::FindInMap" in json.dumps(found)
