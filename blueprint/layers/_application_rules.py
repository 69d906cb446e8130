"""Listeners and rules: nobody gets past sign-in, from the first second on.

A request meets the rules of port 443 in this order, and the first that fits decides:

1. what is refused whoever asks: paths that instances would read in another way than the rules do, headers
   that only the load balancer may set, headers that name frameworks another path than the one that was asked;
2. public paths, open to everybody;
3. API paths: an access token of one of our clients in the Authorization header, or 401;
4. browser paths: a session, or off to the sign-in page;
5. the guard: refused. It is there before Beanstalk is, and Beanstalk puts its rules behind the last one.

See docs/decisions/0009-authenticated-load-balancer.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from troposphere import AWSHelperFn, If, NoValue, Ref
from troposphere.elasticloadbalancingv2 import (
    Action,
    AuthenticateCognitoConfig,
    Certificate,
    Condition,
    FixedResponseConfig,
    ForwardConfig,
    HostHeaderConfig,
    HttpHeaderConfig,
    JwtValidationActionAdditionalClaim,
    JwtValidationConfig,
    Listener,
    ListenerAttribute,
    ListenerRule,
    ListenerRuleAction,
    LoadBalancer,
    PathPatternConfig,
    RedirectConfig,
    TargetGroupTuple,
)

from blueprint.environment import Environment
from blueprint.layers._application_parameters import WATCHES_TLS
from blueprint.layers.shared.suppress import suppress
from blueprint.stacks.stack import Stack

HTTP, HTTPS = 80, 443
#: Where Beanstalk's own rule goes. No security group lets anybody in there.
PARKING = 8081
#: AWS's recommendation: TLS 1.2 and 1.3, forward secrecy, hybrid post-quantum key exchange.
TLS_POLICY = "ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09"
CALLBACK = "/oauth2/idpresponse"  # where Cognito sends a browser back to; the load balancer answers itself
HSTS = "max-age=63072000; includeSubDomains"
#: Rule -> header that nobody may send. In the first three the load balancer tells instances about a session;
#: some PHP frameworks take the last two for the path that was asked, when the rules have judged another.
REFUSED_HEADERS = {
    "ForgedAccesstoken": "x-amzn-oidc-accesstoken",
    "ForgedData": "x-amzn-oidc-data",
    "ForgedIdentity": "x-amzn-oidc-identity",
    "ForgedOriginalUrl": "x-original-url",
    "ForgedRewriteUrl": "x-rewrite-url",
}
#: Paths that rules and instances would not read alike: rules compare letter by letter, instances resolve.
AMBIGUOUS = (
    # Empty segments, those that are one or two dots (a name may hold dots: /a..b, /app.min.js, /.well-known),
    # and characters that end a path or divide it for some.
    r"^.*(//|[\\#]|/\.\.?([^A-Za-z0-9._-]|$)).*$",
    # Encoded, although no client need encode them: letters, digits, dot, hyphen, underscore; slashes and NUL.
    r"^.*%(00|2[dDeEfF]|3[0-9]|[46][1-9a-fA-F]|5[0-9aAcCfF]|7[0-9aA]).*$",
)

# Priorities. Beanstalk's rule comes behind the guard, whatever number it finds free there.
_REFUSED, _CALLBACK, _PUBLIC, _API, _BROWSER, GUARD = 10, 50, 100, 1000, 2000, 40000
# Quotas of ELB ("Condition types for listener rules").
MOST_VALUES, MOST_VALUES_OF_RULE, MOST_WILDCARDS_OF_RULE = 3, 5, 5


@dataclass(frozen=True)
class SignIn:
    """What the identity layer made: whom rules take for signed in."""

    issuer: AWSHelperFn
    keys_url: AWSHelperFn | None  # none where no path asks for a token
    user_pool_arn: AWSHelperFn
    domain: AWSHelperFn
    web_client: AWSHelperFn
    clients: tuple[AWSHelperFn, ...]  # whose access tokens are good for the API


@dataclass(frozen=True)
class Listeners:
    """The public listener, Beanstalk's, and everything that must stand before Beanstalk comes."""

    public: Listener
    parking: Listener
    refusals: tuple[ListenerRule, ...]


def hosts(env: Environment) -> list[str]:
    """The names that the certificate has: no other host is served."""
    return [env.api_domain, env.domain]


# -- listeners and guards ----------------------------------------------------------------------------------


def add_listeners(stack: Stack, balancer: LoadBalancer, certificate: AWSHelperFn) -> Listeners:
    """The three listeners, none of which forwards by default, each with its guard, and what is refused."""
    public = _listener(
        stack,
        balancer,
        "HttpsListener",
        HTTPS,
        _refuse(403),
        Protocol="HTTPS",
        SslPolicy=TLS_POLICY,
        Certificates=[Certificate(CertificateArn=certificate)],
        ListenerAttributes=[
            ListenerAttribute(Key=f"routing.http.response.{key}", Value=value)
            for key, value in (
                ("server.enabled", "false"),
                ("strict_transport_security.header_value", HSTS),
                ("x_content_type_options.header_value", "nosniff"),
                ("x_frame_options.header_value", "SAMEORIGIN"),
            )
        ],
    )
    plain = _listener(stack, balancer, "HttpListener", HTTP, _to_https(), Protocol="HTTP")
    parking = _listener(stack, balancer, "ParkingListener", PARKING, _refuse(403), Protocol="HTTP")
    _say_why_http(plain, "It does nothing but send browsers on to HTTPS, and never forwards.")
    _say_why_http(
        parking,
        "No security group opens its port and it answers 403 only; Beanstalk's own rule is parked here.",
    )
    reason = "It is not there to be called, so there is nobody to redirect: every request is refused."
    suppress(parking, "guard", "ALB_HTTP_TO_HTTPS_REDIRECTION_CHECK", reason)
    refusals = (
        *_add_refusals(stack, public),
        _guard(stack, public, _rule_action(_refuse(403))),
        _guard(stack, plain, _rule_action(_to_https())),
        _guard(stack, parking, _rule_action(_refuse(403))),
    )
    return Listeners(public, parking, refusals)


def _listener(
    stack: Stack, balancer: LoadBalancer, name: str, port: int, default: Action, **more: object
) -> Listener:
    return stack.add(
        Listener(name, LoadBalancerArn=Ref(balancer), Port=port, DefaultActions=[default], **more)
    )


def _say_why_http(listener: Listener, reason: str) -> None:
    suppress(listener, "checkov", "CKV_AWS_2", reason)
    suppress(listener, "checkov", "CKV_AWS_103", reason)
    suppress(listener, "cfn_nag", "W56", reason)
    suppress(listener, "guard", "ELBV2_ACM_CERTIFICATE_REQUIRED", reason)


def _guard(stack: Stack, listener: Listener, action: ListenerRuleAction) -> ListenerRule:
    """Every path of every host ends here; what comes behind is never asked."""
    return stack.add(
        ListenerRule(
            listener.title.replace("Listener", "Guard"),
            ListenerArn=Ref(listener),
            Priority=GUARD,
            Conditions=[_paths(["/*"])],
            Actions=[action],
        )
    )


def _refuse(status: int) -> Action:
    return Action(
        Type="fixed-response",
        FixedResponseConfig=FixedResponseConfig(
            StatusCode=str(status), ContentType="text/plain", MessageBody=f"{status}\n"
        ),
    )


def _to_https() -> Action:
    return Action(
        Type="redirect",
        RedirectConfig=RedirectConfig(Protocol="HTTPS", Port=str(HTTPS), StatusCode="HTTP_301"),
    )


def _rule_action(action: Action, order: int = 1) -> ListenerRuleAction:
    return ListenerRuleAction(Order=order, **action.properties)


# -- rules -------------------------------------------------------------------------------------------------


def add_rules(
    stack: Stack,
    env: Environment,
    listener: Listener,
    group: AWSHelperFn,
    spare: AWSHelperFn,
    sign_in: SignIn,
) -> None:
    """The rules that let requests through to ``group``; none goes to ``spare``, whose health is watched."""
    session = _session(env, sign_in)
    application = env.application
    [callback] = _add_rules(stack, env, listener, group, _CALLBACK, "SignInCallback", [CALLBACK], [session])
    _watch(callback, group, spare)
    before: list[ListenerRule] = []
    for start, kind, paths, check in (
        (_PUBLIC, "public", application.public_paths, []),
        (_API, "api", application.api_paths, [_token(sign_in)]),
        (_BROWSER, "browser", application.browser_paths, [session]),
    ):
        name, setting = f"{kind.title()}Paths", f"application.{kind}_paths"
        added = _add_rules(stack, env, listener, group, start, name, paths, check, setting)
        for rule in added:
            if kind == "browser":  # else a session were good for the API, until its rules are there
                rule.DependsOn = [other.title for other in before]
        before = added


def _add_refusals(stack: Stack, listener: Listener) -> list[ListenerRule]:
    """Before anything is let through: a public path with ``..`` behind it is a way to any other."""
    paths = PathPatternConfig(RegexValues=list(AMBIGUOUS))
    tests = {"AmbiguousPath": Condition(Field="path-pattern", PathPatternConfig=paths)}
    for name, header in REFUSED_HEADERS.items():
        config = HttpHeaderConfig(HttpHeaderName=header, Values=["*"])
        tests[name] = Condition(Field="http-header", HttpHeaderConfig=config)
    return [
        stack.add(
            ListenerRule(
                name,
                ListenerArn=Ref(listener),
                Priority=_REFUSED + number,
                Conditions=[test],
                Actions=[_rule_action(_refuse(400))],
            )
        )
        for number, (name, test) in enumerate(tests.items())
    ]


def _add_rules(
    stack: Stack,
    env: Environment,
    listener: Listener,
    group: AWSHelperFn,
    start: int,
    name: str,
    paths: Sequence[str],
    check: Sequence[ListenerRuleAction],
    setting: str = "",
) -> list[ListenerRule]:
    """As many rules as the quotas of a rule ask for; ``check`` comes first, then the request goes on."""
    names, added = hosts(env), []
    for number, portion in enumerate(_portions(paths, MOST_VALUES_OF_RULE - len(names))):
        forward = ListenerRuleAction(Type="forward", TargetGroupArn=group, Order=len(check) + 1)
        rule = stack.add(
            ListenerRule(
                f"{name}{number + 1}",
                ListenerArn=Ref(listener),
                Priority=start + number,
                Conditions=[
                    Condition(Field="host-header", HostHeaderConfig=HostHeaderConfig(Values=names)),
                    _paths(portion),
                ],
                Actions=[*check, forward],
            ),
            setting,
        )
        if stack.spans_recovery and any(action.Type == "jwt-validation" for action in check):
            reason = "In a recovery region the clients are parameters; only their placeholder is the same."
            suppress(rule, "cloudformation-validate", "F3037", reason)
        added.append(rule)
    return added


def _watch(rule: ListenerRule, group: AWSHelperFn, spare: AWSHelperFn) -> None:
    """Have ``spare`` checked as well: a load balancer checks a group that one of its rules knows.

    So whoever goes over to TLS, or back, sees before whether instances answer there, and nobody waits for the
    first check afterwards.
    """
    used, unused = (TargetGroupTuple(TargetGroupArn=arn, Weight=n) for arn, n in ((group, 1), (spare, 0)))
    both = ForwardConfig(TargetGroups=[used, If(WATCHES_TLS, unused, NoValue)])
    rule.Actions[-1] = ListenerRuleAction(Type="forward", ForwardConfig=both, Order=len(rule.Actions))


def _portions(paths: Sequence[str], room: int) -> Iterator[list[str]]:
    portion: list[str] = []
    for path in paths:
        wildcards = sum(text.count(sign) for text in [*portion, path] for sign in "*?")
        if len(portion) == min(room, MOST_VALUES) or wildcards > MOST_WILDCARDS_OF_RULE:
            yield portion
            portion = []
        portion.append(path)
    if portion:
        yield portion


def _paths(values: list[str]) -> Condition:
    return Condition(Field="path-pattern", PathPatternConfig=PathPatternConfig(Values=values))


def _session(env: Environment, sign_in: SignIn) -> ListenerRuleAction:
    return ListenerRuleAction(
        Type="authenticate-cognito",
        Order=1,
        AuthenticateCognitoConfig=AuthenticateCognitoConfig(
            UserPoolArn=sign_in.user_pool_arn,
            UserPoolClientId=sign_in.web_client,
            UserPoolDomain=sign_in.domain,
            OnUnauthenticatedRequest="authenticate",
            Scope="openid",
            SessionTimeout=env.application.session_hours * 3600,
        ),
    )


def _token(sign_in: SignIn) -> ListenerRuleAction:
    """An access token has no ``aud``: without the two claims, any token of the pool would do."""
    return ListenerRuleAction(
        Type="jwt-validation",
        Order=1,
        JwtValidationConfig=JwtValidationConfig(
            Issuer=sign_in.issuer,
            JwksEndpoint=sign_in.keys_url or NoValue,
            AdditionalClaims=[
                JwtValidationActionAdditionalClaim(
                    Name="client_id", Format="single-string", Values=list(sign_in.clients)
                ),
                JwtValidationActionAdditionalClaim(
                    Name="token_use", Format="single-string", Values=["access"]
                ),
            ],
        ),
    )
