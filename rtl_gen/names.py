"""Names that are given, where Amaranth would take them from the bytecode of the Python that runs.

Some versions merge the stores of `a, b = Signal(), Signal()`, and the second signal loses its name. So each
is made in a statement of its own. What had no name in the text that nano was hardened from still has none.
"""

__all__ = ["NO_PORT", "NO_SIGNAL"]

NO_SIGNAL, NO_PORT = "$signal", "$signature"
