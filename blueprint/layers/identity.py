"""Identity: who the users are, how they sign in, and what of ours they may touch. Promises R5, R7 and R11.

``identity`` is the user pool with everything around it, in the primary region. ``identity-access`` lends
signed-in users AWS credentials for their own objects, in every region that serves users, from the values of
the one pool: it keys on the pool's ``sub``, which is the same wherever a person signs in.
"""

from __future__ import annotations

from troposphere import GetAtt, Ref, Sub

from blueprint.environment import Environment
from blueprint.layers import _identity_access as access
from blueprint.layers import _identity_clients as clients
from blueprint.layers import _identity_domain as domain
from blueprint.layers import _identity_merge as merge
from blueprint.layers import _identity_pool as pools
from blueprint.layers import _identity_providers as providers
from blueprint.stacks.places import Place
from blueprint.stacks.stack import Stack


def stacks(env: Environment) -> list[Stack]:
    return [_identity(env), access.stack(env)]


def _identity(env: Environment) -> Stack:
    stack = Stack(
        "identity",
        env,
        Place.PRIMARY,
        purpose="User pool with its clients, sign-in domain and social providers.",
    )
    trigger = merge.add_function(stack, env) if providers.can_be_merged(env) else None
    pool = pools.add(stack, env, trigger)
    if trigger:
        merge.permit(stack, pool, trigger)
    group = pools.add_group(stack, pool)
    social = providers.add(stack, env, pool)
    made = clients.add(stack, env, pool, social)
    sign_in = domain.add(stack, env, pool)

    host = pools.issuer_host(env)
    stack.output("UserPoolId", Ref(pool), "Id of the user pool, the same in every region")
    stack.output("UserPoolArn", GetAtt(pool, "Arn"), "ARN of the user pool in the primary region")
    stack.output("Issuer", Sub(f"https://{host}/${{{pool.title}}}"), "What tokens name as their issuer (iss)")
    stack.output(
        "JwksUri",
        Sub(f"https://{host}/${{{pool.title}}}/.well-known/jwks.json"),
        "Keys that tokens are signed with",
    )
    stack.output("ServiceProvidersGroup", group.GroupName, "Group of those who offer services")
    for client in made:
        name = client.title
        stack.output(f"{name}Id", GetAtt(client, "ClientId"), f"Id of the {client.ClientName} client")
    stack.output("SignInDomain", sign_in.Domain, "Domain of the sign-in pages, as load balancers want it")
    return stack
