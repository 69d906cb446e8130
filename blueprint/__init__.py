"""Blueprint: one short YAML file per environment becomes a complete AWS architecture."""

__version__ = "0.1.0"
