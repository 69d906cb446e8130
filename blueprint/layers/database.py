"""The database: Aurora MySQL or RDS for MySQL, the proxy before it, its users. Promises R2, R4, R5, R6, R11.

It lies in the data subnets, in every zone, and speaks TLS only. Nobody uses the master user: the application
has one of its own (docs/decisions/0008-database-users.md). Where a recovery region is asked for, everything
that could not be added to a database in use is there from the first day: the global cluster, the secrets'
replicas, a multi-region key.
"""

from __future__ import annotations

from troposphere import AWSHelperFn, Ref
from troposphere.rds import DBSubnetGroup

from blueprint.environment import Environment
from blueprint.environment.database_model import RDS
from blueprint.layers import _database_aurora as aurora
from blueprint.layers import _database_mysql as mysql
from blueprint.layers import _database_proxy as proxies
from blueprint.layers import _database_users as users
from blueprint.layers._database_server import SCHEMA, Server, Settings
from blueprint.stacks.places import Place
from blueprint.stacks.stack import Stack


def stacks(env: Environment) -> list[Stack]:
    stack = Stack(
        "database",
        env,
        Place.PRIMARY,
        purpose="The database, the proxy before it, and the passwords of its users.",
    )
    if env.recovery:
        stack.wait_for("security")  # Secrets Manager encrypts the replicas with the other regions' keys
    secrets = users.add_secrets(stack, env)
    settings = _settings(stack, env)
    if env.database.engine == RDS:  # its users are made through the proxy
        server = mysql.add(stack, env, settings, secrets.master)
        master = users.add_master(stack, env, server, secrets)
        proxy = proxies.add(stack, env, server, secrets, after=master.ready)
        users.add_users(stack, env, server, secrets, master, proxy=proxy)
        _outputs(stack, server, proxy, secrets.application)
        return [stack]
    server = aurora.add(stack, env, settings, secrets.master)
    master = users.add_master(stack, env, server, secrets)
    made = users.add_users(stack, env, server, secrets, master, proxy=None)
    if env.database.proxy.enabled:
        proxy = proxies.add(stack, env, server, secrets, after=[made])
        _outputs(stack, server, proxy, secrets.application)
    else:
        _outputs(stack, server, server, secrets.application)
    return [stack]


def _settings(stack: Stack, env: Environment) -> Settings:
    """What both engines share: the place in the network, keys, and what an operator may turn."""
    subnets = [stack.output_of("network", f"DataSubnet{n}Id") for n in range(1, env.network.zones + 1)]
    subnet_group = stack.add(
        DBSubnetGroup(
            "SubnetGroup", DBSubnetGroupDescription="The data subnets of all zones", SubnetIds=subnets
        )
    )
    return Settings(
        subnet_group=Ref(subnet_group),
        security_group=stack.output_of("network", "DatabaseSecurityGroupId"),
        key_arn=stack.output_of("security", "DatabaseKeyArn"),
        logs_key_arn=stack.output_of("security", "LogsKeyArn"),
        **_times(stack, env),
    )


def _times(stack: Stack, env: Environment) -> dict[str, AWSHelperFn]:
    return {
        "backup_days": Ref(
            stack.parameter(
                "BackupRetentionDays",
                env.database.backup.retention_days,
                kind="Number",
                minimum=1,
                maximum=35,
                group="Backup and maintenance",
                label="Days that can be restored",
                description="For so many days back, any second can be restored.",
                constraint="A number of days from 1 to 35.",
            )
        ),
        "backup_window": Ref(
            stack.parameter(
                "BackupWindow",
                env.database.backup.window,
                pattern="([01][0-9]|2[0-3]):[0-5][0-9]-([01][0-9]|2[0-3]):[0-5][0-9]",
                group="Backup and maintenance",
                label="Time of backups (UTC)",
                description="When the daily backup is made: at least half an hour, away from maintenance.",
                constraint="Two times of day in UTC, such as 03:00-04:00.",
            )
        ),
        "maintenance_window": Ref(
            stack.parameter(
                "MaintenanceWindow",
                env.database.maintenance_window,
                pattern="[a-z]{3}:([01][0-9]|2[0-3]):[0-5][0-9]-[a-z]{3}:([01][0-9]|2[0-3]):[0-5][0-9]",
                group="Backup and maintenance",
                label="Time of maintenance (UTC)",
                description="When AWS may patch: at least half an hour a week, away from backups.",
                constraint="Two times of the week in UTC, such as sun:04:30-sun:05:30.",
            )
        ),
    }


def _outputs(stack: Stack, server: Server, front: Server | proxies.Proxy, secret: AWSHelperFn) -> None:
    """The same names whatever the engine, and whoever stands in ``front``."""
    stack.output("DatabaseArn", server.arn, "ARN of the cluster, or of the database instance")
    stack.output("WriterEndpoint", front.writer, "Host for reading and writing")
    stack.output("ReaderEndpoint", front.reader, "Host for reading; the writer's where there is no other")
    stack.output("Port", "3306", "Port of both")
    stack.output("DatabaseName", SCHEMA, "The application's schema")
    stack.output("ApplicationSecretArn", secret, "Secret with the application's user name and password")
