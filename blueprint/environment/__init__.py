"""The first room: from the YAML files of a person to a checked, typed description of what is wanted."""

from blueprint.environment.load import environment_names, load_account, load_environment
from blueprint.environment.model import Account, Environment

__all__ = ["Account", "Environment", "environment_names", "load_account", "load_environment"]
