"""The engine against exact integer products."""

import numpy as np
from amaranth.sim import Simulator
from hypothesis import given, settings
from hypothesis import strategies as st

from rtl_gen.engine import Engine

COLUMNS, BITS = 4, 16
CASES = st.lists(
    st.tuples(
        st.integers(-128, 127),
        st.lists(st.integers(-8, 7), min_size=COLUMNS, max_size=COLUMNS),
        st.booleans(),
    ),
    min_size=1,
    max_size=12,
)


def simulate(cases):
    engine = Engine(COLUMNS, BITS)
    seen = []

    async def drive(ctx):
        for n, (x, weights, enable) in enumerate(cases):
            ctx.set(engine.activation, x)
            ctx.set(engine.weights, sum((w & 15) << (4 * j) for j, w in enumerate(weights)))
            ctx.set(engine.enable, enable or n == 0)
            ctx.set(engine.first, n == 0)
            await ctx.tick()
            seen.append([ctx.get(s) for s in engine.sums])

    sim = Simulator(engine)
    sim.add_clock(1e-6)
    sim.add_testbench(drive)
    sim.run()
    return np.array(seen)


@settings(max_examples=25, deadline=None)
@given(CASES)
def test_sums_are_exact_and_idle_cycles_change_nothing(cases):
    enabled = np.array([e or n == 0 for n, (_, _, e) in enumerate(cases)])
    products = np.array([[x * w for w in weights] for x, weights, _ in cases]) * enabled[:, None]
    assert (simulate(cases) == np.cumsum(products, axis=0)).all()


def test_every_weight_times_every_activation():
    for x in (-128, -127, -1, 0, 1, 85, 127):
        for first in range(-8, 8, COLUMNS):
            weights = list(range(first, first + COLUMNS))
            assert simulate([(x, weights, True)])[0].tolist() == [x * w for w in weights]
