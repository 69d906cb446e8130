"""Users: what is decided once, what each client may do, and whose objects a signed-in user reaches."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
from awacs import kms, s3
from awacs.aws import Action

from blueprint.environment import Environment, load_environment
from blueprint.gate import GateInput, check
from blueprint.layers import edge, identity, security, storage
from blueprint.problems import BlueprintError
from blueprint.render import ledger, render
from blueprint.schemas import create_only, schema
from blueprint.stacks.stack import Stack
from blueprint.stacks.stateful import STATEFUL
from tests import options
from tests.conftest import RECOVERY, Rendering, Template, merged
from tests.invariants import CHECKS, cases, violations

DOMAIN, API, AUTH = "shop.example.com", "api.shop.example.com", "auth.shop.example.com"
SECRETS = {key: f"acme/prod/{key}" for key in ("google", "facebook", "apple", "amazon")}
SOCIAL = {"identity": {"social": SECRETS}}
PLUS = {"tier": "plus", "threat_protection": "enforced"}
ALL = {**RECOVERY, "identity": {**PLUS, "social": SECRETS, "email": {"from_address": "hi@shop.example.com"}}}
#: Shapes of an environment that change something here.
SHAPES: dict[str, dict[str, Any]] = {
    "least": {},
    "recovery": RECOVERY,
    "us-east-1": {"region": "us-east-1", **RECOVERY},
    "never": {**RECOVERY, "identity": {"replication": "never"}},
    "prepared": {"edge": {"custom_sign_in": True}, "identity": {"replication": "prepared"}},
    "social": SOCIAL,
    "facebook alone": {"identity": {"social": {"facebook": "acme/facebook"}}},
    "everything": ALL,
    "audit": {"identity": {"tier": "plus", "threat_protection": "audit"}},
    "bare": {"identity": {"mfa": "off", "passkeys": False, "self_sign_up": False}},
    "invited": {"identity": {"self_sign_up": False, "social": {"google": "acme/google"}}},
    "strict": {"identity": {"mfa": "required", "deletion_protection": False}},
    "ses elsewhere": {"identity": {"email": {"from_address": "a@b.example.com", "ses_region": "us-west-2"}}},
}
Make = Callable[..., Rendering]


def edge_without_address(env: Environment) -> list[Stack]:
    """The address of the load balancer needs the application, which is no concern of users."""
    return [stack for stack in edge.stacks(env) if stack.name != "edge-records"]


LAYERS = {
    "edge": edge_without_address,
    "identity": identity.stacks,
    "security": security.stacks,
    "storage": storage.stacks,
}


@pytest.fixture
def environment(environments) -> Callable[..., Environment]:
    return lambda **over: load_environment(environments(prod=over), "prod")


@pytest.fixture
def rendering(environment) -> Make:
    return lambda **over: Rendering(render(environment(**over), LAYERS))


@pytest.fixture
def users(rendering) -> Callable[..., Template]:
    return lambda **over: rendering(**over)["identity"]


def pool_of(template: Template) -> dict[str, Any]:
    return template.properties("UserPool")


# -- what is decided once ----------------------------------------------------------------------------------

DECIDED = ("Schema", "UsernameAttributes", "AliasAttributes", "UsernameConfiguration")


#: What an option needs beside it to be possible.
COMPANIONS: dict[str, dict[str, Any]] = {
    "identity.threat_protection": {"identity": {"tier": "plus"}},
    "identity.replication": {"edge": {"custom_sign_in": True}},
    "identity.email.ses_region": {"identity": {"email": {"from_address": "hi@shop.example.com"}}},
    "edge.apex_records": {"edge": {"hosted_zone_id": "Z0123456789ABCDEFGHIJ"}},
}


def every_variation() -> Iterator[tuple[str, dict[str, Any]]]:
    """The least environment with one option of users changed, for every value of every option."""
    for path, values in options.options(Environment).items():
        if path.startswith(("identity.", "edge.")) or path in ("recovery", "region"):
            for value in values:
                over = merged(COMPANIONS.get(path, {}), options.as_tree({path: value}))
                yield f"{path}={value}", over


def test_no_option_of_the_file_alters_how_people_are_named_or_which_attributes_they_have(users):
    seen = set()
    for name, over in every_variation():
        pool = pool_of(users(**over))
        seen.add(json.dumps({key: pool.get(key) for key in DECIDED}, sort_keys=True))
        assert len(seen) == 1, name
    assert json.loads(seen.pop()) == {
        "AliasAttributes": None,
        "Schema": None,  # a declared attribute must be repeated to the letter for ever; see the docs
        "UsernameAttributes": ["email"],
        "UsernameConfiguration": {"CaseSensitive": False},
    }


def test_many_variations_were_tried():
    tried = [name for name, _ in every_variation()]
    assert len(tried) > 30
    assert {"identity.mfa=off", "identity.replication=never", "identity.tier=plus"} <= set(tried)


#: What another value of these options does make anew: pages at another name, which sign-in survives.
MOVES = {("SignInDomain", "Domain"): ("edge.custom_sign_in", "identity.replication", "recovery")}
#: And what the ledger refuses, with its reason (below).
REFUSED = {("UserPool", "IssuerConfiguration"), ("UserPool", "KeyConfiguration")}


def decided_once(made: Rendering) -> dict[tuple[str, str], Any]:
    """What makes a resource anew, or what its service refuses to change, as it is in the primary region."""
    found = {}
    for stack in ("identity", "identity-access"):
        place = Region(made[stack], PRIMARY, keep_imports=True)
        for name, resource in made[stack].resources.items():
            kind = resource["Type"]
            keys = {path.split(".")[0] for path in create_only(kind)} | set(STATEFUL.get(kind, ()))
            values = place.value(resource.get("Properties", {}))
            found |= {(name, key): values.get(key) for key in keys}
    return found


def test_no_option_of_users_makes_anything_anew_but_what_is_named_here(rendering):
    moved, refused = set(), set()
    for name, over in every_variation():
        option = name.split("=")[0]
        if option == "region":
            continue  # another place, not another setting
        before = decided_once(rendering(**COMPANIONS.get(option, {})))
        for what, value in decided_once(rendering(**over)).items():
            if what not in before or before[what] == value:
                continue
            if what in REFUSED:
                refused.add(option)
            else:
                assert option in MOVES.get(what, ()), (name, what)
                moved.add(what)
    assert moved == set(MOVES), "a name that nothing moves can go"
    assert refused == {"recovery", "identity.replication"}


def test_the_pool_outlives_its_stack_and_cannot_be_deleted_by_mistake(users):
    template = users()
    resource = template.resources["UserPool"]
    assert resource["DeletionPolicy"] == "RetainExceptOnCreate"
    assert resource["UpdateReplacePolicy"] == "Retain"
    assert resource["Properties"]["DeletionProtection"] == {"Ref": "DeletionProtection"}
    assert template.data["Parameters"]["DeletionProtection"]["Default"] == "ACTIVE"
    off = users(identity={"deletion_protection": False}).data["Parameters"]
    assert off["DeletionProtection"]["Default"] == "INACTIVE"


@pytest.mark.parametrize(
    ("over", "replicable"),
    [
        ({}, False),
        (RECOVERY, True),
        ({"identity": {"replication": "never"}, **RECOVERY}, False),
        ({"identity": {"replication": "prepared"}, "edge": {"custom_sign_in": True}}, True),
    ],
)
def test_issuer_and_kind_of_key_follow_the_wish_for_a_replica(users, over, replicable):
    template = users(**over)
    pool = pool_of(template)
    assert pool.get("IssuerConfiguration") == ({"Type": "UPDATED"} if replicable else None)
    if replicable:
        assert pool["KeyConfiguration"]["KeyType"] == "CUSTOMER_MANAGED_KEY"
        assert pool["KeyConfiguration"]["KmsKeyArn"] == {
            "Fn::ImportValue": "acme:prod:security:IdentityKeyArn"
        }
    else:
        assert "KeyConfiguration" not in pool
    host = "https://issuer-cognito-idp." if replicable else "https://cognito-idp."
    issuer = template.data["Outputs"]["Issuer"]["Value"]["Fn::Sub"]
    assert issuer == host + "${AWS::Region}.amazonaws.com/${UserPool}"
    assert template.data["Outputs"]["JwksUri"]["Value"]["Fn::Sub"] == f"{issuer}/.well-known/jwks.json"


def changed(env: Environment, before: ledger.Ledger | None = None) -> ledger.Ledger:
    """The ledger after a render, as far as it is about users."""
    stacks = [stack for stack in render(env, LAYERS).plan.stacks.values() if stack.name == "identity"]
    return ledger.reconcile(before, env, stacks, Path("ledger/prod.json"))


@pytest.mark.parametrize(
    ("before", "after"),
    [({}, RECOVERY), (RECOVERY, {}), (RECOVERY, {**RECOVERY, "identity": {"replication": "never"}})],
)
def test_a_pool_in_use_is_not_given_another_issuer_and_the_reason_is_said(environment, before, after):
    book = changed(environment(**before))
    with pytest.raises(BlueprintError) as caught:
        changed(environment(**after), book)
    (problem,) = [p for p in caught.value.problems if "identity/UserPool" in str(p)]
    assert problem.code == "LED002"
    for words in ("every session ends", "IssuerConfiguration", "identity.replication", "UPDATED"):
        assert words in str(problem)
    assert "would be replaced" not in str(problem)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        # The ways out: a pool without a replica, and one that was prepared in time.
        ({}, {**RECOVERY, "identity": {"replication": "never"}}),
        (RECOVERY, {"edge": {"custom_sign_in": True}, "identity": {"replication": "prepared"}}),
        ({"edge": {"custom_sign_in": True}, "identity": {"replication": "prepared"}}, RECOVERY),
    ],
)
def test_a_pool_in_use_may_stay_as_it_is_when_a_recovery_region_comes_or_goes(environment, before, after):
    book = changed(environment(**before))
    pool = [r for r in book.records if r["resource"] == "identity/UserPool"]
    later = changed(environment(**after), book).records
    assert [r for r in later if r["resource"] == "identity/UserPool"] == pool


# -- a replica that comes later ------------------------------------------------------------------------------


def with_recovery_part(template: Template) -> dict[str, Any]:
    """The identity template with what recovery will add: the replica, and the domain that follows it."""
    data = copy.deepcopy(template.data)
    data["Resources"]["UserPoolReplica"] = {
        "Type": "AWS::Cognito::UserPoolReplica",
        "Properties": {"UserPoolId": {"Ref": "UserPool"}, "RegionName": "eu-central-1"},
    }
    data["Resources"]["SignInDomain"]["Properties"]["Routing"] = {
        "Failover": {"PrimaryRoute53HealthCheckId": "11111111-aaaa", "SecondaryRegion": "eu-central-1"}
    }
    return data


def assert_nothing_is_made_anew(before: dict[str, Any], after: dict[str, Any]) -> None:
    for name, resource in before["Resources"].items():
        now = after["Resources"][name]
        assert now["Type"] == resource["Type"]
        decided = {path.split(".")[0] for path in create_only(resource["Type"])}
        decided |= set(STATEFUL.get(resource["Type"], ()))
        for key in decided:
            assert now["Properties"].get(key) == resource["Properties"].get(key), (name, key)


def test_a_replica_of_the_pool_changes_nothing_that_cannot_change(users):
    template = users(**RECOVERY)
    after = with_recovery_part(template)
    assert_nothing_is_made_anew(template.data, after)
    body = json.dumps(after, indent=1).encode()
    found = check([GateInput("replica", body, ("eu-west-1",), "replica")], cache_dir=None, processes=1)
    assert [finding for finding in found if finding.fails] == []


def test_what_a_replica_needs_is_there_before_it(rendering):
    made = rendering(**RECOVERY)
    pool = pool_of(made["identity"])
    assert pool["UserPoolTier"] in ("ESSENTIALS", "PLUS")
    assert pool["IssuerConfiguration"]["Type"] == "UPDATED"
    assert pool["KeyConfiguration"]["KeyType"] == "CUSTOMER_MANAGED_KEY"
    key = made["security"].properties("IdentityKey")
    assert key["MultiRegion"] is True
    assert "IdentityReplicaKey" in made["security"].resources
    # Only a custom domain can follow the pool; routing can be given to it without making it anew.
    assert "CustomDomainConfig" in made["identity"].properties("SignInDomain")
    assert not {"Routing"} & set(create_only("AWS::Cognito::UserPoolDomain"))


def test_a_prepared_environment_gains_a_recovery_region_without_a_change_of_what_is_decided(users):
    prepared = users(edge={"custom_sign_in": True}, identity={"replication": "prepared"})
    assert_nothing_is_made_anew(prepared.data, users(**RECOVERY).data)


# -- protection of accounts --------------------------------------------------------------------------------


def test_an_address_counts_only_when_its_owner_has_typed_a_code(users):
    """Merging of accounts rests on these four."""
    for _, over in SHAPES.items():
        pool = pool_of(users(**over))
        assert pool["AutoVerifiedAttributes"] == ["email"]
        assert pool["UserAttributeUpdateSettings"] == {"AttributesRequireVerificationBeforeUpdate": ["email"]}
        assert pool["VerificationMessageTemplate"] == {"DefaultEmailOption": "CONFIRM_WITH_CODE"}
        assert pool["AccountRecoverySetting"]["RecoveryMechanisms"] == [
            {"Name": "verified_email", "Priority": 1}
        ]


def test_passwords_are_strong_and_no_code_alone_opens_an_account(users):
    policies = pool_of(users())["Policies"]
    required = {key: value for key, value in policies["PasswordPolicy"].items() if key.startswith("Require")}
    assert len(required) == 4
    assert all(required.values())
    assert policies["PasswordPolicy"]["TemporaryPasswordValidityDays"] <= 7
    assert policies["SignInPolicy"]["AllowedFirstAuthFactors"] == ["PASSWORD", "WEB_AUTHN"]
    bare = pool_of(users(identity={"passkeys": False}))
    assert bare["Policies"]["SignInPolicy"]["AllowedFirstAuthFactors"] == ["PASSWORD"]
    assert not [key for key in bare if key.startswith("WebAuthn")]


@pytest.mark.parametrize(
    ("mfa", "setting", "passkey"),
    [
        ("off", "OFF", "SINGLE_FACTOR"),
        ("optional", "OPTIONAL", "MULTI_FACTOR_WITH_USER_VERIFICATION"),
        ("required", "ON", "MULTI_FACTOR_WITH_USER_VERIFICATION"),
    ],
)
def test_second_factors_are_apps_and_passkeys_never_sms(users, mfa, setting, passkey):
    pool = pool_of(users(identity={"mfa": mfa}))
    assert pool["MfaConfiguration"] == setting
    assert pool.get("EnabledMfas") == (None if mfa == "off" else ["SOFTWARE_TOKEN_MFA"])
    assert pool["WebAuthnFactorConfiguration"] == passkey
    assert pool["WebAuthnUserVerification"] == "required"
    assert "SmsConfiguration" not in pool


def test_passkeys_belong_to_the_sign_in_domain_where_it_is_ours(users):
    assert pool_of(users(**RECOVERY))["WebAuthnRelyingPartyID"] == AUTH
    assert "WebAuthnRelyingPartyID" not in pool_of(users())


def test_threat_protection_comes_with_plus_only(users, environment):
    assert "UserPoolAddOns" not in pool_of(users())
    with pytest.raises(BlueprintError, match="threat protection"):
        environment(identity={"threat_protection": "audit"})
    for mode in ("audit", "enforced"):
        template = users(identity={"tier": "plus", "threat_protection": mode})
        assert pool_of(template)["UserPoolTier"] == "PLUS"
        assert pool_of(template)["UserPoolAddOns"]["AdvancedSecurityMode"] == mode.upper()
        assert ("ThreatResponse" in template.resources) == (mode == "enforced")


def test_mail_is_sent_by_cognito_or_by_a_verified_domain(users):
    assert pool_of(users())["EmailConfiguration"] == {"EmailSendingAccount": "COGNITO_DEFAULT"}
    ours = pool_of(users(identity={"email": {"from_address": "hi@shop.example.com"}}))["EmailConfiguration"]
    assert ours["EmailSendingAccount"] == "DEVELOPER"
    assert ours["From"] == "hi@shop.example.com"
    arn = ours["SourceArn"]["Fn::Sub"]
    assert arn == "arn:${AWS::Partition}:ses:eu-west-1:${AWS::AccountId}:identity/shop.example.com"
    away = {"from_address": "hi@shop.example.com", "ses_region": "us-east-1"}
    assert ":ses:us-east-1:" in json.dumps(pool_of(users(identity={"email": away})))


@pytest.mark.parametrize(
    ("over", "words"),
    [
        ({"identity": {"replication": "prepared"}}, "sign-in domain of its own"),
        ({"identity": {"email": {"ses_region": "us-east-1"}}}, "no address to send from"),
        ({"domain": f"{'a' * 50}.example", **RECOVERY}, None),
        ({"domain": f"{'a' * 51}.example", **RECOVERY}, "Cognito takes 63"),
        ({"identity": {"tier": "lite"}}, "essentials"),
        ({"identity": {"social": {"google": "arn:aws:secretsmanager:x"}}}, "name of a secret"),
        ({"identity": {"social": {"google": "acme/google-AbCdEf"}}}, "random part"),
        ({"identity": {"mobile_callbacks": ["http://shop.example.com/in"]}}, "return to"),
        ({"identity": {"mobile_callbacks": ["javascript://x/"]}}, "return to"),
        ({"identity": {"mobile_callbacks": ["com.example.shop://in", "http://localhost:3000/in"]}}, None),
    ],
)
def test_what_cannot_work_is_refused_with_the_reason(environment, over, words):
    if words is None:
        assert environment(**over)
        return
    with pytest.raises(BlueprintError) as caught:
        environment(**over)
    assert words in " ".join(f"{p} {p.remedy}" for p in caught.value.problems)


# -- clients -----------------------------------------------------------------------------------------------


def test_each_client_can_do_its_own_and_no_more(users):
    template = users(**ALL)
    clients = {
        p["ClientName"]: p
        for p in (r["Properties"] for r in template.of_type("AWS::Cognito::UserPoolClient").values())
    }
    assert {name: (p["GenerateSecret"], p["AllowedOAuthFlows"]) for name, p in clients.items()} == {
        "mobile": (False, ["code"]),
        "web": (True, ["code"]),
        "machine": (True, ["client_credentials"]),
    }
    assert clients["machine"]["AllowedOAuthScopes"] == [f"https://{API}/read", f"https://{API}/write"]
    assert not {"CallbackURLs", "SupportedIdentityProviders"} & set(clients["machine"])
    assert clients["web"]["AllowedOAuthScopes"] == ["openid", "email", "profile"]
    assert set(clients["mobile"]["AllowedOAuthScopes"]) - set(clients["web"]["AllowedOAuthScopes"]) == {
        "aws.cognito.signin.user.admin"
    }
    for client in clients.values():
        assert client["PreventUserExistenceErrors"] == "ENABLED"
        assert client["EnableTokenRevocation"] is True
        assert client["AccessTokenValidity"] <= 60
        flows = client["ExplicitAuthFlows"]
        assert flows, "an empty list would mean Cognito's defaults"
        assert not [flow for flow in flows if "PASSWORD" in flow or "SRP" in flow or "CUSTOM" in flow]


def test_the_load_balancer_is_called_back_where_it_listens_in_lower_case(users):
    urls = users().properties("WebClient")["CallbackURLs"]
    assert urls == [f"https://{API}/oauth2/idpresponse", f"https://{DOMAIN}/oauth2/idpresponse"]
    assert [url.lower() for url in urls] == urls


def test_refresh_tokens_are_replaced_only_where_that_flow_is_off(users):
    """Cognito refuses rotation together with ALLOW_REFRESH_TOKEN_AUTH; load balancers know no rotation."""
    template = users()
    for client in template.of_type("AWS::Cognito::UserPoolClient").values():
        p = client["Properties"]
        assert ("RefreshTokenRotation" in p) != ("ALLOW_REFRESH_TOKEN_AUTH" in p["ExplicitAuthFlows"])
    assert "RefreshTokenRotation" in template.properties("MobileClient")


def test_the_app_is_called_back_at_its_own_addresses(users):
    assert users().properties("MobileClient")["CallbackURLs"] == [f"https://{DOMAIN}/signed-in"]
    own = ["com.example.shop://signed-in"]
    template = users(identity={"mobile_callbacks": own})
    assert template.properties("MobileClient")["CallbackURLs"] == own


#: Attributes that an app can write unless its client says otherwise (OpenID Connect's; Cognito's guide,
#: "User pool attributes"). email_verified is none of them: only codes, providers and administrators set it,
#: and a sign-up that sends it is refused as "unauthorized attribute".
WRITABLE = {
    *(
        "address",
        "birthdate",
        "email",
        "family_name",
        "gender",
        "given_name",
        "locale",
        "middle_name",
        "name",
    ),
    *("nickname", "phone_number", "picture", "preferred_username", "profile", "updated_at", "website"),
    "zoneinfo",
}


def test_what_merging_believes_is_nothing_that_a_user_can_write(users):
    """A list of our own would have to name every mapped attribute, email_verified among them."""
    template = users(**ALL)
    for client in template.of_type("AWS::Cognito::UserPoolClient").values():
        assert not {"WriteAttributes", "ReadAttributes"} & set(client["Properties"])
    for provider in template.of_type("AWS::Cognito::UserPoolIdentityProvider").values():
        mapped = set(provider["Properties"]["AttributeMapping"]) - {"username"}
        assert mapped - WRITABLE <= {"email_verified"}
    assert "email_verified" not in WRITABLE


def test_tokens_of_the_app_reach_no_further_than_its_user_and_those_of_machines_no_user(users):
    clients = users(**ALL).of_type("AWS::Cognito::UserPoolClient")
    scopes = {name: set(client["Properties"]["AllowedOAuthScopes"]) for name, client in clients.items()}
    of_machines = {scope for scope in scopes["MachineClient"] if scope.startswith("https://")}
    assert scopes["MachineClient"] == of_machines
    assert not of_machines & (scopes["MobileClient"] | scopes["WebClient"])
    assert "aws.cognito.signin.user.admin" not in scopes["WebClient"]  # its tokens reach the instances
    flows = {flow for client in clients.values() for flow in client["Properties"]["AllowedOAuthFlows"]}
    assert "implicit" not in flows


@pytest.mark.parametrize("name", ["MobileClient", "WebClient"])
def test_codes_go_to_addresses_of_ours_only(users, name):
    for over in ({}, RECOVERY, SOCIAL):
        client = users(**over).properties(name)
        for url in (*client["CallbackURLs"], *client["LogoutURLs"]):
            assert url.startswith((f"https://{DOMAIN}/", f"https://{API}/")), url
            assert "*" not in url


def test_every_client_with_pages_has_their_style_and_machines_have_none(users):
    brandings = users().of_type("AWS::Cognito::ManagedLoginBranding").values()
    styled = {b["Properties"]["ClientId"]["Fn::GetAtt"][0] for b in brandings}
    assert styled == {"MobileClient", "WebClient"}
    assert all(b["Properties"]["UseCognitoProvidedValues"] is True for b in brandings)


def test_no_secret_of_a_client_leaves_the_stack(users):
    assert "ClientSecret" not in users(**ALL).body.decode()


def test_what_others_need_is_exported(users):
    assert set(users(**RECOVERY).data["Outputs"]) == {
        *("UserPoolId", "UserPoolArn", "Issuer", "JwksUri", "SignInDomain", "ServiceProvidersGroup"),
        *("MobileClientId", "WebClientId", "MachineClientId"),
    }


# -- sign-in domain ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("over", [RECOVERY, {"edge": {"custom_sign_in": True}}])
def test_a_domain_of_ours_has_its_certificate_of_us_east_1_and_its_record(users, over):
    template = users(**over)
    domain = template.properties("SignInDomain")
    assert domain["Domain"] == AUTH
    assert domain["ManagedLoginVersion"] == 2
    certificate = domain["CustomDomainConfig"]["CertificateArn"]["Fn::GetStackOutput"]
    assert certificate["Region"] == "us-east-1"
    assert certificate["StackName"] == "acme-prod-edge-signin"
    record = template.properties("SignInAddress")
    assert (record["Name"], record["Type"]) == (AUTH, "A")
    assert record["HostedZoneId"] == {"Fn::ImportValue": "acme:prod:edge-dns:HostedZoneId"}
    assert record["AliasTarget"] == {
        "DNSName": {"Fn::GetAtt": ["SignInDomain", "CloudFrontDistribution"]},
        "HostedZoneId": "Z2FDTNDATAQYW2",
    }
    assert template.data["Outputs"]["SignInDomain"]["Value"] == AUTH


def test_in_us_east_1_the_certificate_is_imported(users):
    domain = users(region="us-east-1", **RECOVERY).properties("SignInDomain")
    assert domain["CustomDomainConfig"]["CertificateArn"] == {
        "Fn::ImportValue": "acme:prod:edge-signin:SignInCertificateArn"
    }


def test_the_domain_waits_for_the_address_of_the_one_above_it(rendering):
    """Cognito refuses auth.<domain> until <domain> has an address."""
    made = rendering(**RECOVERY)
    steps = {step["stack"]: step["step"] for step in made.manifest["steps"] if step["place"] == "primary"}
    assert made["edge-dns"].properties("DomainAddress")["Name"] == DOMAIN
    assert steps["edge-dns"] < steps["identity"]


def test_a_domain_of_cognito_is_ours_alone_and_holds_no_word_that_cognito_refuses(environment):
    from blueprint.layers.shared.names import sign_in_prefix

    prefixes = [
        sign_in_prefix(environment(**over))
        for over in ({}, {"account": "444455556666"}, {"region": "us-east-1"}, {"project": "lawson"})
    ]
    assert len(set(prefixes)) == 4
    for prefix in prefixes:
        assert re.fullmatch(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", prefix)
        assert not re.search("aws|amazon|cognito|[0-9]{12}", prefix)


# -- social providers ----------------------------------------------------------------------------------------


def test_no_provider_is_on_until_its_secret_is_named(users):
    template = users()
    assert template.of_type("AWS::Cognito::UserPoolIdentityProvider") == {}
    assert template.properties("WebClient")["SupportedIdentityProviders"] == ["COGNITO"]
    assert template.of_type("AWS::Lambda::Function") == {}
    assert "LambdaConfig" not in pool_of(template)


def test_credentials_are_references_to_the_secret_that_was_named(rendering):
    made = rendering(**SOCIAL)
    template = made["identity"]
    found = template.of_type("AWS::Cognito::UserPoolIdentityProvider").values()
    details = {p["ProviderName"]: p["ProviderDetails"] for p in (r["Properties"] for r in found)}
    assert set(details) == {"Google", "Facebook", "SignInWithApple", "LoginWithAmazon"}
    assert details["Google"] == {
        "client_id": reference("google", "client_id", "GoogleVersion"),
        "client_secret": reference("google", "client_secret", "GoogleVersion"),
        "authorize_scopes": "email profile openid",
    }
    assert details["SignInWithApple"] == {
        **{
            name: reference("apple", name, "SignInWithAppleVersion")
            for name in ("client_id", "team_id", "key_id", "private_key")
        },
        "authorize_scopes": "email name",
    }
    assert details["Facebook"]["api_version"] == {"Fn::Sub": "${FacebookApiVersion}"}
    for name in ("client_id", "client_secret"):
        assert details["LoginWithAmazon"][name] == reference("amazon", name, "LoginWithAmazonVersion")
    assert template.body.decode().count("{{resolve:") == 10
    assert {secret["name"] for secret in made.manifest["secrets"]} == set(SECRETS.values())
    for secret in made.manifest["secrets"]:
        assert "client_id" in secret["description"]


def reference(key: str, name: str, version: str) -> dict[str, str]:
    text = f"{{{{resolve:secretsmanager:acme/prod/{key}:SecretString:{name}::${{{version}}}}}}}"
    return {"Fn::Sub": text}


def test_a_changed_secret_is_read_again_by_a_changed_parameter(users):
    for name, parameter in users(**SOCIAL).data["Parameters"].items():
        if name.endswith("Version") and name != "FacebookApiVersion":
            assert parameter["Default"] == ""
            assert re.fullmatch(parameter["AllowedPattern"], "11111111-2222-3333-4444-555555555555")
            assert not re.fullmatch(parameter["AllowedPattern"], "x}}{{resolve:ssm:other")


def test_only_providers_that_say_so_can_verify_an_address(users):
    """The trigger trusts the attribute; nobody but the provider's own claim may set it."""
    found = users(**SOCIAL).of_type("AWS::Cognito::UserPoolIdentityProvider").values()
    mappings = {p["ProviderName"]: p["AttributeMapping"] for p in (r["Properties"] for r in found)}
    says = {name: mapping.get("email_verified") for name, mapping in mappings.items()}
    assert says == {
        "Google": "email_verified",
        "SignInWithApple": "email_verified",
        "Facebook": None,
        "LoginWithAmazon": None,
    }
    assert all(mapping["email"] == "email" for mapping in mappings.values())


def test_clients_wait_for_the_providers_that_they_name(users):
    template = users(**SOCIAL)
    for name in ("MobileClient", "WebClient"):
        client = template.resources[name]
        assert client["Properties"]["SupportedIdentityProviders"] == [
            *("COGNITO", "Google", "Facebook", "SignInWithApple", "LoginWithAmazon")
        ]
        assert set(client["DependsOn"]) == set(template.of_type("AWS::Cognito::UserPoolIdentityProvider"))


def test_the_trigger_is_there_where_a_provider_can_be_believed(users):
    alone = {key: users(identity={"social": {key: f"acme/{key}"}}) for key in SECRETS}
    assert {key for key, template in alone.items() if "LambdaConfig" in pool_of(template)} == {
        "google",
        "apple",
    }


def test_where_only_administrators_invite_no_provider_lets_a_stranger_in(users):
    """Cognito makes a profile for whoever comes through a provider, whoever may sign up: not here."""
    for key in ("google", "apple"):
        template = users(identity={"self_sign_up": False, "social": {key: f"acme/{key}"}})
        assert pool_of(template)["AdminCreateUserConfig"] == {"AllowAdminCreateUserOnly": True}
        assert "PreSignUp" in pool_of(template)["LambdaConfig"]
        variables = template.properties("MergeAccounts")["Environment"]["Variables"]
        assert variables == {"INVITED_ONLY": "true"}
    assert "Environment" not in users(**SOCIAL).properties("MergeAccounts")


@pytest.mark.parametrize("key", ["facebook", "amazon"])
def test_a_provider_that_cannot_tell_who_was_invited_is_refused_there(environment, key):
    with pytest.raises(BlueprintError, match="only invited people may"):
        environment(identity={"self_sign_up": False, "social": {key: f"acme/{key}"}})


def test_the_trigger_can_look_and_link_in_this_pool_and_only_the_pool_calls_it(users):
    template = users(**SOCIAL)
    assert pool_of(template)["LambdaConfig"] == {"PreSignUp": {"Fn::GetAtt": ["MergeAccounts", "Arn"]}}
    policy = template.properties("MergeAccountsInPool")["PolicyDocument"]
    assert policy["Statement"] == [
        {
            "Effect": "Allow",
            "Action": [
                "cognito-idp:AdminGetUser",
                "cognito-idp:AdminLinkProviderForUser",
                "cognito-idp:ListUsers",
            ],
            "Resource": [{"Fn::GetAtt": ["UserPool", "Arn"]}],
        }
    ]
    permission = template.properties("MergeAccountsByPool")
    assert permission["Principal"] == "cognito-idp.amazonaws.com"
    assert permission["SourceArn"] == {"Fn::GetAtt": ["UserPool", "Arn"]}
    assert permission["SourceAccount"] == {"Ref": "AWS::AccountId"}
    assert template.properties("MergeAccounts")["Timeout"] == 5, "Cognito waits no longer"
    code = template.properties("MergeAccounts")["Code"]["ZipFile"]
    assert "custom_resource" not in code
    compile(code, "index.py", "exec")


# -- credentials for one's own objects -----------------------------------------------------------------------

PRIMARY, STANDBY = "eu-west-1", "eu-central-1"
ANNA, BERT = "11111111-1111-7111-8111-111111111111", "22222222-2222-7222-8222-222222222222"
BUCKETS = {
    region: f"arn:aws:s3:::acme-prod-uploads-111122223333-{region}-an" for region in (PRIMARY, STANDBY)
}
KEYS = {region: f"arn:aws:kms:{region}:111122223333:key/mrk-1" for region in (PRIMARY, STANDBY)}


class Region:
    """One region's stack, with every function resolved as it would be there."""

    def __init__(self, template: Template, region: str, *, keep_imports: bool = False) -> None:
        self.region = region
        self.keep_imports = keep_imports
        self.data = template.data
        self.parameters = {n: p["Default"] for n, p in template.data.get("Parameters", {}).items()}
        if region == STANDBY:
            bound = {
                "UserPoolId": "eu-west-1_Pool",
                "MobileClientId": "mobile",
                "ServiceProvidersGroup": "sp",
            }
            self.parameters |= bound
        self.imports = {
            "acme:prod:identity:UserPoolId": "eu-west-1_Pool",
            "acme:prod:identity:MobileClientId": "mobile",
            "acme:prod:identity:ServiceProvidersGroup": "sp",
            "acme:prod:storage:UploadsBucketArn": BUCKETS[region],
            "acme:prod:security:StorageKeyArn": KEYS[region],
        }

    def properties(self, name: str) -> Any:
        return self.value(self.data["Resources"][name]["Properties"])

    def value(self, node: Any) -> Any:
        if isinstance(node, list):
            return [self.value(item) for item in node]
        if not isinstance(node, dict):
            return node
        if len(node) == 1:
            (name, argument), *_ = node.items()
            if name == "Ref" or name.startswith("Fn::") or name == "Condition":
                return self.call(name, argument)
        return {key: self.value(item) for key, item in node.items()}

    def call(self, name: str, argument: Any) -> Any:
        if name == "Ref":
            pseudo = {"AWS::Region": self.region, "AWS::AccountId": "111122223333", "AWS::Partition": "aws"}
            return {**pseudo, **self.parameters}.get(argument, f"{self.region}:{argument}")
        if name == "Fn::ImportValue":
            return argument if self.keep_imports else self.imports[argument]
        if name == "Fn::GetStackOutput":
            return json.dumps(argument)
        if name == "Fn::GetAtt":
            return f"arn:aws:iam::111122223333:role/{self.region}-{argument[0]}"
        if name == "Fn::If":
            return self.value(argument[1 if self.holds(argument[0]) else 2])
        if name == "Fn::FindInMap":
            return self.data["Mappings"][argument[0]][self.value(argument[1])][argument[2]]
        assert name == "Fn::Sub", name
        text, values = argument if isinstance(argument, list) else (argument, {})
        found = re.sub(
            r"\$\{(?!!)([\w:]+)\}",
            lambda m: str(self.value(values[m[1]] if m[1] in values else {"Ref": m[1]})),
            text,
        )
        return found.replace("${!", "${")

    def holds(self, condition: str) -> bool:
        one, other = self.data["Conditions"][condition]["Fn::Equals"]
        return bool(self.value(one) == self.value(other))


def may(policy: Any, action: str, resource: str, tags: dict[str, str], **context: str) -> bool:
    """Whether a role's policy allows it. A statement with a variable that has no value matches nothing."""

    def filled(text: str) -> str | None:
        for variable in re.findall(r"\$\{aws:PrincipalTag/(\w+)\}", text):
            if variable not in tags:
                return None
            text = text.replace(f"${{aws:PrincipalTag/{variable}}}", tags[variable])
        return text

    def matches(patterns: Any, value: str | None) -> bool:
        wanted = [filled(p) for p in (patterns if isinstance(patterns, list) else [patterns])]
        return value is not None and any(p is not None and fnmatchcase(value, p) for p in wanted)

    for statement in policy["Statement"]:
        assert statement["Effect"] == "Allow"
        tests = [
            matches(wanted, context.get(key))
            for operator, keys in statement.get("Condition", {}).items()
            for key, wanted in keys.items()
            if operator in ("StringLike", "StringEquals")
        ]
        if matches(statement["Action"], action) and matches(statement["Resource"], resource) and all(tests):
            return True
    return False


@pytest.fixture
def regions(rendering) -> dict[str, Region]:
    template = rendering(**RECOVERY)["identity-access"]
    return {region: Region(template, region) for region in (PRIMARY, STANDBY)}


def policy_of(region: Region, role: str) -> Any:
    return region.properties(role)["Policies"][0]["PolicyDocument"]


@pytest.mark.parametrize("role", ["UserRole", "ServiceProviderRole"])
def test_the_same_user_reaches_the_same_objects_in_both_regions_and_nobody_elses(regions, role):
    tags = {"sub": ANNA}
    for name, region in regions.items():
        policy, bucket = policy_of(region, role), BUCKETS[name]
        for action in ("s3:GetObject", "s3:PutObject", "s3:DeleteObject"):
            assert may(policy, action, f"{bucket}/users/{ANNA}/photo.jpg", tags)
            assert not may(policy, action, f"{bucket}/users/{BERT}/photo.jpg", tags)
            assert not may(policy, action, f"{bucket}/users/{ANNA}", tags)
            assert not may(policy, action, f"{bucket}/photo.jpg", tags)
            other = BUCKETS[STANDBY if name == PRIMARY else PRIMARY]
            assert not may(policy, action, f"{other}/users/{ANNA}/photo.jpg", tags)
        for action in ("s3:PutObjectAcl", "s3:DeleteBucket", "s3:GetObjectVersion", "s3:PutBucketPolicy"):
            assert not may(policy, action, f"{bucket}/users/{ANNA}/photo.jpg", tags)
            assert not may(policy, action, bucket, tags)


@pytest.mark.parametrize("role", ["UserRole", "ServiceProviderRole"])
@pytest.mark.parametrize(
    "key",
    [
        *(f"users/{BERT}/x", f"users/{BERT}/", f"users/{ANNA}x/x", f"users/{ANNA[:-1]}/x", f"users/{ANNA}"),
        *(f"users/x/{ANNA}/x", f"/users/{ANNA}/x", f"Users/{ANNA}/x", f"users/{ANNA.upper()}x/x", "users/"),
        *("users/*/x", "users/?/x", f"users/./{ANNA}/x", f"users/../users/{ANNA}/x", f"users%2F{ANNA}/x"),
        *(f"users/{BERT}/../{ANNA}/x", "users//x", "users/${aws:PrincipalTag/sub}/x", "x", "", "*"),
        *(f"{ANNA}/x", f"providers-{ANNA}/x", f"users-{ANNA}/x", f"static/users/{ANNA}/x"),
    ],
)
def test_no_trick_with_a_name_reaches_beyond_ones_own_prefix(regions, role, key):
    for name, region in regions.items():
        policy, tags = policy_of(region, role), {"sub": ANNA}
        for action in ("s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"):
            assert not may(policy, action, f"{BUCKETS[name]}/{key}", tags)
        if key != f"users/{ANNA}/":
            assert not may(policy, "s3:ListBucket", BUCKETS[name], tags, **{"s3:prefix": key})
            # Whatever else is asked for beside the prefix.
            more = {"s3:prefix": key, "s3:delimiter": "/", "s3:max-keys": "1"}
            assert not may(policy, "s3:ListBucket", BUCKETS[name], tags, **more)


def test_of_all_that_aws_can_do_a_signed_in_user_may_do_this(regions):
    """Every action of S3 and KMS that there is, on an object of his own, the bucket and its key."""
    actions = {f"{module.prefix}:{name}" for module in (s3, kms) for name in all_actions(module)}
    assert len(actions) > 150
    for name, region in regions.items():
        bucket, tags = BUCKETS[name], {"sub": ANNA}
        context = {
            "s3:prefix": f"users/{ANNA}/",
            "kms:ViaService": f"s3.{name}.amazonaws.com",
            "kms:EncryptionContext:aws:s3:arn": bucket,
        }
        for role in ("UserRole", "ServiceProviderRole"):
            assert "ManagedPolicyArns" not in region.properties(role)
            assert len(region.properties(role)["Policies"]) == 1
            policy = policy_of(region, role)

            def allowed(resource: str, policy: Any = policy, tags=tags, context=context) -> set[str]:
                return {action for action in actions if may(policy, action, resource, tags, **context)}

            work = {"s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"}
            assert allowed(f"{bucket}/users/{ANNA}/photo.jpg") == work
            assert allowed(f"{bucket}/providers/{BERT}/menu.jpg") == {"s3:GetObject"}
            assert allowed(bucket) == {"s3:ListBucket"}
            assert allowed(KEYS[name]) == {"kms:Decrypt", "kms:GenerateDataKey"}
            assert allowed("*") == allowed("arn:aws:s3:::other") == set()


def all_actions(module: Any) -> list[str]:
    return [name for name, thing in vars(module).items() if isinstance(thing, Action)]


def test_the_policies_of_both_regions_say_the_same_of_a_user(regions):
    """Where they differ, they differ in bucket, key and region, and in nothing that names a person."""
    texts = {
        json.dumps(policy_of(region, "UserRole")).replace(BUCKETS[name], "B").replace(KEYS[name], "K")
        for name, region in regions.items()
    }
    assert len({text.replace(PRIMARY, "R").replace(STANDBY, "R") for text in texts}) == 1


def test_the_identity_id_which_differs_by_region_stands_in_no_policy(rendering):
    text = rendering(**RECOVERY)["identity-access"].body.decode()
    assert "cognito-identity.amazonaws.com:sub" not in text
    assert "aws:PrincipalTag/sub" in text


def test_a_session_without_its_tag_reaches_no_objects_of_users(regions):
    for name, region in regions.items():
        for role in ("UserRole", "ServiceProviderRole"):
            for tags in ({}, {"other": ANNA}):
                policy = policy_of(region, role)
                assert not may(policy, "s3:GetObject", f"{BUCKETS[name]}/users/{ANNA}/x", tags)
                assert not may(policy, "s3:GetObject", f"{BUCKETS[name]}/users//x", tags)


def test_users_list_their_own_prefix_and_no_other(regions):
    for name, region in regions.items():
        policy = policy_of(region, "UserRole")

        def lists(tags: dict[str, str], policy: Any = policy, name: str = name, **context: str) -> bool:
            return may(policy, "s3:ListBucket", BUCKETS[name], tags, **context)

        own = {"sub": ANNA}
        assert lists(own, **{"s3:prefix": f"users/{ANNA}/"})
        assert lists(own, **{"s3:prefix": f"users/{ANNA}/holidays/"})
        for prefix in ("", "users/", f"users/{BERT}/", f"users/{ANNA}", "providers/"):
            assert not lists(own, **{"s3:prefix": prefix})
        assert not lists(own)
        assert not lists({}, **{"s3:prefix": f"users/{ANNA}/"})


def test_offers_are_written_by_their_service_provider_and_read_by_everybody_signed_in(regions):
    for name, region in regions.items():
        offer = f"{BUCKETS[name]}/providers/{ANNA}/menu.jpg"
        user, provider = policy_of(region, "UserRole"), policy_of(region, "ServiceProviderRole")
        assert may(user, "s3:GetObject", offer, {"sub": BERT})
        assert not may(user, "s3:PutObject", offer, {"sub": ANNA})
        assert may(provider, "s3:PutObject", offer, {"sub": ANNA})
        assert not may(provider, "s3:PutObject", offer, {"sub": BERT})


def test_the_key_serves_these_objects_through_s3_and_nothing_else(regions):
    for name, region in regions.items():
        policy, tags = policy_of(region, "UserRole"), {"sub": ANNA}
        via = {"kms:ViaService": f"s3.{name}.amazonaws.com"}
        context = "kms:EncryptionContext:aws:s3:arn"
        assert may(policy, "kms:Decrypt", KEYS[name], tags, **via, **{context: BUCKETS[name]})
        assert not may(policy, "kms:Decrypt", KEYS[name], tags, **via, **{context: "arn:aws:s3:::other"})
        assert not may(policy, "kms:Decrypt", KEYS[name], tags, **{context: BUCKETS[name]})
        assert not may(policy, "kms:Encrypt", KEYS[name], tags, **via, **{context: BUCKETS[name]})


def test_roles_are_assumed_by_signed_in_users_of_this_pool_with_their_tag(regions):
    for name, region in regions.items():
        for role in ("UserRole", "ServiceProviderRole"):
            (trust,) = region.properties(role)["AssumeRolePolicyDocument"]["Statement"]
            assert trust["Principal"] == {"Federated": "cognito-identity.amazonaws.com"}
            assert trust["Action"] == ["sts:AssumeRoleWithWebIdentity", "sts:TagSession"]
            assert trust["Condition"] == {
                "StringEquals": {"cognito-identity.amazonaws.com:aud": f"{name}:IdentityPool"},
                "ForAnyValue:StringLike": {"cognito-identity.amazonaws.com:amr": "authenticated"},
            }


def test_the_tag_is_the_user_pools_sub(regions):
    for region in regions.values():
        tags = region.properties("SessionTags")
        assert tags["PrincipalTags"] == {"sub": "sub"}
        assert tags["UseDefaults"] is False
        pool = region.properties("IdentityPool")
        assert tags["IdentityProviderName"] == pool["CognitoIdentityProviders"][0]["ProviderName"]


def test_nobody_gets_credentials_without_signing_in_to_the_app(regions):
    for name, region in regions.items():
        pool = region.properties("IdentityPool")
        assert pool["AllowUnauthenticatedIdentities"] is False
        assert pool["AllowClassicFlow"] is False
        assert pool["CognitoIdentityProviders"] == [
            {
                "ProviderName": f"cognito-idp.{name}.amazonaws.com/eu-west-1_Pool",
                "ClientId": "mobile",
                "ServerSideTokenCheck": True,
            }
        ]
        roles = region.properties("Roles")
        assert set(roles["Roles"]) == {"authenticated"}
        assert roles["Roles"]["authenticated"].endswith("UserRole")


def test_the_group_of_service_providers_has_a_role_and_doubt_gets_the_lesser_one(regions):
    for name, region in regions.items():
        mapping = region.properties("Roles")["RoleMappings"]["Mobile"]
        assert mapping["IdentityProvider"] == f"cognito-idp.{name}.amazonaws.com/eu-west-1_Pool:mobile"
        assert mapping["AmbiguousRoleResolution"] == "AuthenticatedRole"
        (rule,) = mapping["RulesConfiguration"]["Rules"]
        assert (rule["Claim"], rule["MatchType"], rule["Value"]) == ("cognito:groups", "Contains", "sp")
        assert rule["RoleARN"].endswith("ServiceProviderRole")


def test_the_user_pools_name_can_be_another_where_no_account_could_confirm_it(rendering):
    template = rendering(**RECOVERY)["identity-access"]
    allowed = template.data["Parameters"]["ProviderHost"]["AllowedValues"]
    assert allowed[1:] == [
        "cognito-idp.eu-west-1.amazonaws.com",
        "issuer-cognito-idp.eu-west-1.amazonaws.com",
    ]
    standby = Region(template, STANDBY)
    standby.parameters["ProviderHost"] = allowed[2]
    (provider,) = standby.properties("IdentityPool")["CognitoIdentityProviders"]
    assert provider["ProviderName"] == "issuer-cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Pool"
    assert "ProviderHost" not in rendering()["identity-access"].data.get("Parameters", {})


# -- the whole -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CHECKS)
def test_no_shape_breaks_an_invariant(rendering, name):
    for shape, over in SHAPES.items():
        made = rendering(**over)
        broken = [line for line in violations(made, name) if "acme-prod-identity" in line]
        assert broken == [], shape


def test_recovery_is_given_its_values_and_reads_no_other_region(rendering):
    made = rendering(**RECOVERY)
    (entry,) = [s for s in made.manifest["stacks"] if s["name"] == "identity-access"]
    bound = {p["name"]: p["binding"]["from"] for p in entry["parameters"] if p["binding"]}
    assert bound == {
        name: {"stack": "identity", "output": name}
        for name in ("UserPoolId", "MobileClientId", "ServiceProvidersGroup")
    }
    assert entry["regions"] == [PRIMARY, STANDBY]


def inputs(rendering: Make, *shapes: str) -> list[GateInput]:
    found = {}
    for shape in shapes or SHAPES:
        made = rendering(**SHAPES[shape])
        for case in cases(made):
            if case.stack["name"].startswith("identity"):
                label = f"{shape} {case.stack['name']}"
                body = made[case.stack["name"]].body
                found[body] = GateInput(label, body, tuple(case.stack["regions"]), label)
    assert found
    return list(found.values())


def test_every_shape_passes_cloudformation_validate(rendering):
    found = check(inputs(rendering), cache_dir=None, validators=("cloudformation-validate",))
    assert [finding for finding in found if finding.fails] == []


def test_the_extremes_pass_cfn_lint(rendering):
    wanted = inputs(rendering, "least", "everything", "bare", "us-east-1")
    assert check(wanted, cache_dir=None, processes=2) == []


def test_the_properties_that_are_decided_once_exist_in_the_schema():
    assert set(DECIDED) <= set(schema("AWS::Cognito::UserPool")["properties"])
    assert set(DECIDED) <= set(STATEFUL["AWS::Cognito::UserPool"])
