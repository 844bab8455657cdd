"""sc-flow from Python: `from flow import build, load_model, plan, quantise` (see `flow.api`)."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flow.api import build, load_model, plan, quantise

__all__ = ["build", "load_model", "plan", "quantise"]


def __getattr__(name: str) -> Any:
    # Imported when asked for: each step and each command imports this package, and needs none of it.
    if name in __all__:
        import importlib

        return getattr(importlib.import_module("flow.api"), name)
    raise AttributeError(f"module 'flow' has no attribute {name!r}")
