"""What a single value must look like: each function returns the value, or refuses it in plain words."""

from __future__ import annotations

import re
from collections.abc import Iterable
from ipaddress import AddressValueError, IPv4Address, IPv4Network
from typing import Any, NoReturn

from pydantic_core import PydanticCustomError

from blueprint.environment.cidr import LARGEST_VPC, PRIVATE_RANGES, SMALLEST_VPC
from blueprint.environment.regions import OTHER_PARTITIONS, ZONES

RESERVED_TAGS = ("project", "environment", "stack", "owner", "name")
NAME = r"[a-z][a-z0-9]*(-[a-z0-9]+)*"
ACCOUNT = r"[0-9]{12}"
CIDR = r"[0-9]{1,3}(\.[0-9]{1,3}){3}/[0-9]{1,2}"
ZONE_ID = r"[a-z]{3,5}[0-9]-az[0-9]{1,2}"
HOSTED_ZONE_ID = r"Z[0-9A-Z]{1,31}"
KEY_ARN = r"arn:aws:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]{1,128}"
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_MAIL_LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")  # lower() would make U+212A a k
_TAG_TEXT = re.compile(r"([\w.:/=+@-]([\w .:/=+@-]*[\w.:/=+@-])?)?")  # no space at either end
_ONE_LABEL = "it has no dot"
_ADDRESS = "its last part is a number, as in an IP address"
# The first name of an ACM certificate must fit a common name (RFC 5280), and 5 are kept for "auth.".
LONGEST_DOMAIN = 64 - len("auth.")
HOW_TO_GET_A_DOMAIN = (
    "register one (Route 53 or any registrar), or take a subdomain of one that is yours, "
    "for instance shop.example.com"
)
#: Names that people see and take for theirs. Only their owner can validate a certificate for them.
AWS_DOMAINS = (
    "amazonaws.com",
    "amazoncognito.com",
    "amplifyapp.com",
    "awsapprunner.com",
    "cloudfront.net",
    "elasticbeanstalk.com",
    "on.aws",
)
#: Top-level names that no public certificate exists for (RFC 6761, 6762, 7686, ICANN's private use).
PRIVATE_DOMAINS = (
    *("arpa", "corp", "home", "internal", "invalid", "lan", "local", "localhost", "onion", "test"),
)
#: Names for documentation (RFC 2606, 6761). Route 53 refuses to make a zone for them or below them.
EXAMPLE_DOMAINS = ("example.com", "example.net", "example.org", "example")


class WrittenInt(int):
    """A whole number that remembers its spelling in the file."""

    text: str


class WrittenFloat(float):
    """A number that remembers its spelling in the file (``1.10``)."""

    text: str


def refuse(code: str, what: str, remedy: str) -> NoReturn:
    # The texts travel in the context, because a message is a template and values may contain braces.
    raise PydanticCustomError(code, "{what}", {"what": what, "remedy": remedy})


def nearest(word: str, known: Iterable[str], *, likeness: float = 0.6) -> str:
    """The known word most like ``word``, or nothing; ``likeness`` is from 0 (any) to 1 (the same)."""
    from difflib import get_close_matches  # 3 ms, needed on failure only

    return next(iter(get_close_matches(word[:80].lower(), list(known), n=1, cutoff=likeness)), "")


def as_written(value: Any) -> Any:
    return getattr(value, "text", value)


def name_fault(text: str, shortest: int, longest: int) -> str:
    """Why ``text`` cannot be part of resource names, or nothing."""
    if not shortest <= len(text) <= longest:
        return f"does not have {shortest} to {longest} characters"
    if not re.fullmatch(NAME, text):
        return "must hold lower-case letters, digits and single hyphens only, and begin with a letter"
    return ""


def project(text: str) -> str:
    if fault := name_fault(text, 2, 12):
        refuse("ENV030", fault, "for instance acme")
    if text.startswith(("aws", "amazon", "cognito", "sthree")):
        refuse("ENV030", "begins with a word that AWS keeps for itself", "use your product's name")
    return text


def account(text: str) -> str:
    if not re.fullmatch(ACCOUNT, text):
        refuse(
            "ENV031",
            "is not the 12 digits of an AWS account",
            "copy them from the account menu of the AWS console, without hyphens",
        )
    return text


def region(text: str) -> str:
    if text in ZONES:
        return text
    for prefix, partition in OTHER_PARTITIONS.items():
        if text.startswith(prefix):
            refuse(
                "ENV032",
                f"is a region of {partition}; only regions of commercial AWS can be used",
                "choose one such as eu-west-1",
            )
    zone = re.fullmatch(r"(.*\d)[a-z]", text)
    guess = zone[1] if zone and zone[1] in ZONES else nearest(text, ZONES)
    refuse(
        "ENV032",
        "is not a region that we know",
        f"did you mean {guess}?" if guess else "for instance eu-west-1",
    )


def domain(text: str) -> str:
    if fault := _domain_fault(text):
        remedy = HOW_TO_GET_A_DOMAIN if fault in (_ONE_LABEL, _ADDRESS) else "for instance shop.example.com"
        refuse("ENV033", f"is not a domain name that can be used: {fault}", remedy)
    if is_below(text, AWS_DOMAINS):
        refuse("ENV042", "belongs to AWS, and an environment needs a domain of its own", HOW_TO_GET_A_DOMAIN)
    if is_below(text, PRIVATE_DOMAINS):
        refuse("ENV042", "is a private name, which nobody can have a certificate for", HOW_TO_GET_A_DOMAIN)
    return text


def is_below(name: str, domains: Iterable[str]) -> bool:
    """Whether ``name`` is one of ``domains`` or a subdomain of one."""
    return any(name == above or name.endswith(f".{above}") for above in domains)


def hosted_zone_id(text: str) -> str:
    if text and not re.fullmatch(HOSTED_ZONE_ID, text):
        refuse(
            "ENV043",
            "is not the id of a hosted zone",
            "copy it from the list of hosted zones in Route 53, without /hostedzone/; it looks like "
            "Z0123456789ABCDEFGHIJ",
        )
    return text


def authority(text: str) -> str:
    if _domain_fault(text):
        refuse(
            "ENV044",
            "is not what an authority calls itself in CAA records",
            "its manual says it; it is a domain name, for instance letsencrypt.org",
        )
    return text


def _domain_fault(text: str) -> str:
    labels = text.split(".")
    if text != text.lower():
        return "it must be lower case"
    if text.endswith("."):
        return "it ends with a dot"
    if "://" in text or "/" in text:
        return "it is an address, not a name; leave out scheme and path"
    if len(labels) < 2:
        return _ONE_LABEL
    if re.fullmatch(r"[0-9]+", labels[-1], re.ASCII):
        return _ADDRESS
    for label in labels:
        if not _LABEL.fullmatch(label):
            return f"{label[:70]!r} does not have 1 to 63 lower-case letters, digits and inner hyphens"
    if len(text) > LONGEST_DOMAIN:
        return f"it has {len(text)} characters, and certificates leave room for {LONGEST_DOMAIN}"
    return ""


def mail(text: str) -> str:
    local, _, host = text.rpartition("@")
    if not re.fullmatch(r"[A-Za-z0-9_+-]+(\.[A-Za-z0-9_+-]+)*", local) or len(local) > 64 or len(text) > 254:
        refuse("ENV034", "is not an e-mail address", "for instance platform@example.com")
    labels = host.split(".")
    if len(labels) < 2 or not all(_MAIL_LABEL.fullmatch(label) for label in labels):
        refuse(
            "ENV034",
            "is not an e-mail address: what follows @ is not a domain",
            "for instance platform@example.com",
        )
    return text


def vpc_cidr(text: str) -> str:
    if not re.fullmatch(CIDR, text):
        refuse("ENV035", "is not an address range", "write it as 10.0.0.0/16")
    try:
        address, prefix = IPv4Address(text.split("/")[0]), int(text.split("/")[1])
        network = IPv4Network((address, prefix), strict=False)
    except (AddressValueError, ValueError):
        refuse("ENV035", "is not an address range", "write it as 10.0.0.0/16")
    if network.network_address != address:
        refuse("ENV035", f"does not begin a /{prefix} range", f"write {network}")
    if prefix > SMALLEST_VPC:
        refuse(
            "ENV036",
            f"has {network.num_addresses} addresses, too few for the subnets of up to four zones",
            f"use a range of /{LARGEST_VPC} to /{SMALLEST_VPC}, for instance {address}/{LARGEST_VPC}",
        )
    if prefix < LARGEST_VPC:
        refuse("ENV036", "is larger than a VPC may be", f"use a range of /{LARGEST_VPC} to /{SMALLEST_VPC}")
    if not any(network.subnet_of(private) for private in PRIVATE_RANGES):
        refuse(
            "ENV037",
            "is not a private address range",
            "use one inside 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16",
        )
    return text


def zone_id(text: str) -> str:
    if not re.fullmatch(ZONE_ID, text):
        refuse(
            "ENV038",
            "is not a zone id",
            "zone ids look like euw1-az1 (zone names such as eu-west-1a will not do)",
        )
    return text


def tag_key(text: str) -> str:
    if text.lower().startswith("aws:"):
        refuse("ENV039", "begins with aws:, which AWS keeps for itself", "choose another name for the tag")
    if text.lower() in RESERVED_TAGS:
        refuse(
            "ENV039", "is set by itself on every resource", "choose another name for the tag, or remove it"
        )
    if not 1 <= len(text) <= 128 or not _TAG_TEXT.fullmatch(text):
        refuse(
            "ENV039",
            "cannot be the name of a tag",
            "use 1 to 128 letters, digits, inner spaces and _ . : / = + - @",
        )
    return text


def tag_value(text: str) -> str:
    if len(text) > 256 or not _TAG_TEXT.fullmatch(text):
        refuse(
            "ENV040",
            "cannot be the value of a tag",
            "use up to 256 letters, digits, inner spaces and _ . : / = + - @",
        )
    return text


def key_arn(text: str) -> str:
    if not re.fullmatch(KEY_ARN, text):
        refuse(
            "ENV041",
            "is not the ARN of a KMS key",
            "it looks like arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
        )
    return text


def key_place(arn: str) -> tuple[str, str]:
    """The account and the region of a key, from its ARN."""
    _, _, _, region_name, account_id, _ = arn.split(":", 5)
    return account_id, region_name
