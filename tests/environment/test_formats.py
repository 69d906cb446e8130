"""Single values at the edges: the longest and the shortest that are accepted, and one beyond."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pydantic_core import PydanticCustomError

from blueprint.environment import formats
from blueprint.environment.load import LONGEST_NAME
from blueprint.environment.regions import ZONES

LABEL = "a" * 50
GOOD: list[tuple[Callable[[str], str], str]] = [
    (formats.project, "ab"),
    (formats.project, "shop-2-go-xy"),
    (formats.account, "000000000000"),
    (formats.region, "us-east-1"),
    (formats.domain, "a.io"),
    (formats.domain, "xn--bcher-kva.example"),
    (formats.domain, f"{LABEL}.{'b' * 5}.de"),
    (formats.hosted_zone_id, ""),
    (formats.hosted_zone_id, "Z2"),
    (formats.hosted_zone_id, f"Z{'0' * 31}"),
    (formats.authority, "letsencrypt.org"),
    (formats.mail, "first.last+aws@mail.example.com"),
    (formats.vpc_cidr, "10.255.252.0/22"),
    (formats.vpc_cidr, "172.16.0.0/16"),
    (formats.vpc_cidr, "192.168.0.0/16"),
    (formats.zone_id, "apse2-az3"),
    (formats.tag_key, "cost center:a/b=c+d-e@f_g.h"),
    (formats.tag_key, "ä" * 128),
    (formats.tag_key, "a"),
    (formats.mail, "Platform@Mail.Example.COM"),
    (formats.tag_value, ""),
    (formats.tag_value, "x" * 256),
    (formats.key_arn, "arn:aws:kms:eu-west-1:111122223333:key/mrk-1234abcd12ab34cd56ef1234567890ab"),
]
BAD: list[tuple[Callable[[str], str], str]] = [
    (formats.project, "a"),
    (formats.project, "shop-2-go-xyz"),
    (formats.project, "2shop"),
    (formats.project, "shop-"),
    (formats.project, "a--b"),
    (formats.project, "shop\n"),
    (formats.project, "cognito"),
    (formats.account, "1111-2222-3333"),
    (formats.account, "١١١١٢٢٢٢٣٣٣٣"),
    (formats.region, ""),
    (formats.region, "EU-WEST-1"),
    (formats.domain, f"{LABEL}.{'b' * 6}.de"),
    (formats.domain, "a..b"),
    (formats.domain, "-a.b"),
    (formats.domain, "bücher.example"),
    (formats.domain, "a.b\n"),
    (formats.domain, ""),
    (formats.hosted_zone_id, "Z"),
    (formats.hosted_zone_id, f"Z{'0' * 32}"),
    (formats.hosted_zone_id, "z0123456789abcdefghij"),
    (formats.hosted_zone_id, "Z01234\n"),
    (formats.authority, 'letsencrypt.org"'),
    (formats.authority, "letsencrypt.org; x=y"),
    (formats.mail, "a@b@c.de"),
    (formats.mail, ".a@b.de"),
    (formats.mail, f"{'a' * 65}@b.de"),
    (formats.mail, "a'b@c.de"),
    (formats.vpc_cidr, "10.0.0.0/15"),
    (formats.vpc_cidr, "10.0.0.0/23"),
    (formats.vpc_cidr, "10.0.0.0/33"),
    (formats.vpc_cidr, "10.0.0.0/016"),
    (formats.vpc_cidr, "010.0.0.0/16"),
    (formats.vpc_cidr, "172.32.0.0/16"),
    (formats.vpc_cidr, "192.169.0.0/16"),
    (formats.vpc_cidr, "100.64.0.0/16"),
    (formats.vpc_cidr, "fd00::/16"),
    (formats.vpc_cidr, "10.0.0.0/255.255.0.0"),
    (formats.zone_id, "eu-west-1a"),
    (formats.tag_key, "AWS:x"),
    (formats.tag_key, "Project"),
    (formats.tag_key, ""),
    (formats.tag_key, "x" * 129),
    (formats.tag_value, "x" * 257),
    (formats.tag_value, "a;b"),
    (formats.tag_value, " "),
    (formats.tag_value, " a"),
    (formats.tag_value, "a "),
    (formats.tag_key, "a "),
    (formats.tag_key, " a b"),
    (formats.tag_key, " project"),
    (formats.mail, "a@\u212aernel.org"),  # the Kelvin sign, whose lower case is an ASCII k
    (formats.mail, "a\u212a@kernel.org"),
    (formats.domain, "\u212aernel.org"),
    (formats.domain, "kernel.or\u212a"),
    (formats.project, "\u212aernel"),
    (formats.region, "us-\u212aast-1"),
    (formats.key_arn, "arn:aws:\u212ams:eu-west-1:111122223333:key/1234"),
    (formats.key_arn, "arn:aws-cn:kms:cn-north-1:111122223333:key/1234"),
]


@pytest.mark.parametrize(("check", "text"), GOOD, ids=range(len(GOOD)))
def test_a_good_value_comes_back_as_it_is(check: Callable[[str], str], text: str) -> None:
    assert check(text) == text


@pytest.mark.parametrize(("check", "text"), BAD, ids=range(len(BAD)))
def test_a_bad_value_is_refused_with_a_reason_and_a_remedy(check: Callable[[str], str], text: str) -> None:
    with pytest.raises(PydanticCustomError) as caught:
        check(text)
    context = caught.value.context
    assert context
    assert context["what"]
    assert context["remedy"]


def test_the_longest_names_leave_valid_names_of_buckets() -> None:
    longest = f"{'p' * 12}-{'e' * LONGEST_NAME}-uploads-111122223333-{max(ZONES, key=len)}-an"
    assert len(longest) <= 63  # S3: bucket names have 3 to 63 characters


def test_the_longest_domain_leaves_room_for_names_in_front_of_it() -> None:
    assert formats.LONGEST_DOMAIN + len("auth.") == 64  # ACM: the first name of a certificate
