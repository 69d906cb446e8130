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
    """The database: its log groups carry its name and exist before it."""
    return f"{env.project}-{env.name}-database{_restored(env)}"


def _restored(env: Environment) -> str:
    """A restored database has another name: CloudFormation makes it before it takes the former one away."""
    restored = env.database.restore_from
    source = f"{restored.snapshot} {restored.source} {restored.time}"
    return f"-{sha256(source.encode()).hexdigest()[:8]}" if source.strip() else ""


def database_proxy(env: Environment) -> str:
    """The proxy: it goes before whatever database there is, so that its address outlives a restoration."""
    return f"{env.project}-{env.name}-database"


def global_database(env: Environment) -> str:
    """The global database: clusters of other regions join it by name, without asking the primary region.

    It is made from one cluster and no other; so the one of a restored database is another too.
    """
    return f"{env.project}-{env.name}-global{_restored(env)}"


def cache(subject: Subject) -> str:
    """The cache's user and its group: ElastiCache asks for their names."""
    return f"{subject.project}-{subject.name}-cache"


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
