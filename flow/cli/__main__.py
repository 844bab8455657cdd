"""`python -m flow.cli` is `sc-flow`."""

__all__: list[str] = []

import sys

from flow.cli import main

if __name__ == "__main__":
    sys.exit(main())
