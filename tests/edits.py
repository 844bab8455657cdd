"""Changes to nested mappings, for tests of readers."""

from typing import Any

import yaml


def edited(data: dict[str, Any], **changes: object) -> str:
    """The mapping as YAML, with fields (`a.b` as `a__b`) replaced; None removes one."""
    for path, value in changes.items():
        *parents, last = path.split("__")
        at = data
        for p in parents:
            at = at[p]
        if value is None:
            del at[last]
        else:
            at[last] = value
    return yaml.safe_dump(data)
