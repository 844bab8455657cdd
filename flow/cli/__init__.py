"""The `sc-flow` command."""

__all__ = ["main"]

from flow.cli.main import main
