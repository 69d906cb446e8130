"""What a stack remembers: an output of another stack has no JSON before it is known what it becomes."""

from __future__ import annotations

import dataclasses

import pytest
from troposphere import ImportValue, encode_to_dict

from blueprint.stacks.records import Binding, StackOutput


def test_a_reference_becomes_what_it_was_linked_to_wherever_it_stands():
    reference = StackOutput("network", "VpcId")
    holder = {"Groups": [{"VpcId": reference}]}
    reference.data = ImportValue("acme:prod:network:VpcId").data
    assert encode_to_dict(holder) == {"Groups": [{"VpcId": {"Fn::ImportValue": "acme:prod:network:VpcId"}}]}


def test_a_reference_is_read_everywhere_unless_somebody_says_otherwise():
    assert StackOutput("network", "VpcId").primary_only is False


def test_what_is_remembered_does_not_change_afterwards():
    binding = Binding("ZoneId", "edge-dns", "HostedZoneId")
    with pytest.raises(dataclasses.FrozenInstanceError):
        binding.output = "Other"  # type: ignore[misc]
