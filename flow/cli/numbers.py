"""Numbers of the command line, without what click's own types let through: nan, infinity, temperatures."""

__all__ = ["CONTEXT", "SEED", "TEMPERATURE", "Finite"]

import math
from typing import Any

import click

CONTEXT = click.IntRange(1, 1 << 24)
SEED = click.IntRange(1, 2**31)


class Finite(click.FloatRange):
    """A float that is neither nan nor infinite."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The number, or click's error."""
        number = float(super().convert(value, param, ctx))
        if not math.isfinite(number):
            self.fail(f"{value} is not a finite number.", param, ctx)
        return number


class _Temperature(click.ParamType[float]):
    name = "float"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """A temperature that the chip's byte for it can hold, or click's error."""
        from rtl_gen.golden.sampling import beta_of

        number = Finite().convert(value, param, ctx)
        try:
            beta_of(number)
        except (ValueError, OverflowError) as e:
            self.fail(str(e), param, ctx)
        return number


TEMPERATURE = _Temperature()
