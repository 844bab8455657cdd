"""The API reference, from docstrings: `make docs` writes it below build/api."""

__all__ = ["write_reference"]

import sys
from pathlib import Path

import flow

# What trains models needs PyTorch, which is in an extra of its own.
MODULES = (
    "flow",
    "rtl_gen",
    "base_chip",
    "metal_configs",
    "signoff",
    r"!metal_configs\.(words|story)(\..*)?",
)


def write_reference(folder: Path) -> None:
    """Write a page per module; `index.html` is the first."""
    import pdoc
    import pdoc.render

    for name in flow.__all__:  # loaded when they are first asked for, which pdoc does not do
        setattr(flow, name, getattr(flow, name))
    pdoc.render.configure(docformat="google", show_source=False)
    pdoc.pdoc(*MODULES, output_directory=folder)


if __name__ == "__main__":
    write_reference(Path(sys.argv[1]))
