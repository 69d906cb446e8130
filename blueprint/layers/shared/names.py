"""Physical names that somebody must foresee, each composed in one place.

A name is fixed only where another region, another stack or an AWS service has to know it before the resource
exists; everything else is named by CloudFormation. ``docs/physical-names.md`` lists them with their reasons.
"""

from __future__ import annotations

from hashlib import sha256

from blueprint.environment import Environment
from blueprint.stacks.places import Subject

MOST_PREFIX_CHARACTERS = 32  # 63 of a bucket name less 31 of the suffix in the region with the longest code


def bucket_prefix(subject: Subject, bucket: str) -> str:
    """What stands before account and region in a bucket's name: ``acme-prod-uploads``."""
    prefix = f"{subject.project}-{subject.name}-{bucket}"
    if len(prefix) > MOST_PREFIX_CHARACTERS:
        raise ValueError(f"{prefix} is longer than {MOST_PREFIX_CHARACTERS} characters")
    return prefix


def bucket_name(
    subject: Subject, bucket: str, region: str = "${AWS::Region}", account: str = "${AWS::AccountId}"
) -> str:
    """The whole name of a bucket in the account's own namespace, where nobody else can take it.

    S3 appends ``-<account>-<region>-an`` to the prefix of a bucket whose namespace is account-regional. With
    the defaults the text is for ``Sub``; with a region of its own it names the same bucket elsewhere.
    """
    return f"{bucket_prefix(subject, bucket)}-{account}-{region}-an"


def trail_name(subject: Subject) -> str:
    """The audit trail: its key and its bucket let in this trail by name, before it exists."""
    return f"{subject.project}-{subject.name}-trail"


def beanstalk_environment(subject: Subject) -> str:
    """The environment of Elastic Beanstalk: log groups and policies name it before it exists."""
    return f"{subject.project}-{subject.name}"


def database(env: Environment) -> str:
    """The database: its log groups carry its name and exist before it.

    One that is restored is another database, so that its name differs: CloudFormation makes it before it
    takes the former one away.
    """
    restored = env.database.restore_from
    source = f"{restored.snapshot} {restored.source} {restored.time}"
    suffix = f"-{sha256(source.encode()).hexdigest()[:8]}" if source.strip() else ""
    return f"{env.project}-{env.name}-database{suffix}"


def global_database(subject: Subject) -> str:
    """The global database: clusters of other regions join it by name, without asking the primary region."""
    return f"{subject.project}-{subject.name}-global"


def secret(subject: Subject, what: str) -> str:
    """A secret whose replica in the recovery region is found by the same name."""
    return f"{subject.project}-{subject.name}-{what}"


def key_alias(subject: Subject, what: str) -> str:
    """What people read in the list of keys; nothing of ours refers to a key by its alias."""
    return f"alias/{subject.project}-{subject.name}-{what}"


def sign_in_prefix(env: Environment) -> str:
    """What stands before ``.auth.<region>.amazoncognito.com``, where everybody's names must differ.

    The end makes it ours without telling the account. Cognito refuses some words in it, which a product's
    name may hold by chance (lawson).
    """
    whose = sha256(f"{env.account} {env.region} {env.project} {env.name}".encode()).hexdigest()
    name = f"{env.project}-{env.name}"
    if any(word in name for word in ("aws", "amazon", "cognito")):
        name = "sign-in"
    return f"{name}-{whose[:10]}"
