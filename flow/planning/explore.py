"""`sc-flow plan --explore`: tiles and grids for a model, and which of them no other beats."""

__all__ = ["Exploration", "explore", "explore_model", "print_exploration", "silicon"]

import json
import math
from dataclasses import asdict, dataclass, replace

import click

from base_chip.dies import Floorplan, load_die
from base_chip.dies.tiles import MACRO_BITS, ram_tiles, rom_macro_um2, rom_tiles
from base_chip.pdk import load_pdk
from base_chip.pdk.constants import constants, values
from flow.planning import model_shape
from flow.planning.fabric import Clock, Die, Estimate, clocks, estimate
from flow.planning.program import STEP, program_cycles
from rtl_gen.errors import ExitCode, FlowError
from rtl_gen.golden.shape import Shape
from rtl_gen.golden.vec_isa import BLOCK

SHOWN = 24
FINE = 4  # every number of columns up to this, then its multiples


@dataclass(frozen=True)
class Exploration:
    """What was tried for a model.

    Attributes:
        tried: How many arrays fit.
        best: Of each size of rom tile, the arrays that no other of that size beats in area and in cycles.
        pareto: Which of them no array of any tile beats.
    """

    model: str
    context: int
    die: Die
    clock: Clock
    pdk: str
    tried: int
    best: tuple[Estimate, ...]
    pareto: frozenset[int]

    def to_json(self) -> str:
        """Everything, with the constants and their sources."""
        arrays = [
            asdict(e) | {"silicon_mm2": silicon(e, self.die), "token": e.token, "pareto": n in self.pareto}
            for n, e in enumerate(self.best)
        ]
        told = {k: getattr(self, k) for k in ("model", "context", "pdk", "tried")}
        told |= {"die": asdict(self.die), "clock": asdict(self.clock), "arrays": arrays}
        used = {k: asdict(c) for k, c in constants(self.pdk, "fabric").items()}
        return json.dumps(told | {"formulas": FORMULAS, "constants": used}, indent=1)


def silicon(e: Estimate, die: Die) -> float:
    """mm2 of all dies: whole ones, or, where one does, what its tiles take."""
    return e.die_mm2 if e.dies == 1 else (e.dies + math.ceil(e.lookup_dies)) * die.mm2


def explore_model(model: str, base: str, pdk: str, context: int | None) -> Exploration:
    """`explore` for a model by name or path.

    Raises:
        FlowError: A name is not known, or as `explore`.
    """
    load_pdk(pdk)
    name, shape = model_shape(model)
    on = load_die(base)
    return explore(name, shape, die_of(on), pdk, context or on.context)


def die_of(base: Floorplan) -> Die:
    """Room for tiles on a die, within its edge."""
    width, height = base.die
    return Die(base.name, (width - 2 * base.edge) / 1e3, (height - 2 * base.edge) / 1e3)


def explore(model: str, shape: Shape, die: Die, pdk: str, context: int) -> Exploration:
    """Try every rom tile that was synthesised, in every grid that a die has room for.

    Args:
        model, shape: The model; its name is only shown.
        die: Room for tiles.
        pdk: Process.
        context: Positions whose keys and values are kept, no more than the model's.

    Raises:
        FlowError: Nothing fits, or no tiles were synthesised for the PDK.
    """
    c, context = values(pdk, "fabric"), min(context, shape.context)
    macro = rom_macro_um2(pdk, MACRO_BITS)
    found: list[Estimate] = []
    for tile in rom_tiles(pdk):
        most = int(die.mm2 * 1e6 / tile.um2)
        for rows in range(1, min(most, shape.dim) + 1):
            for columns in (n for n in range(1, most // rows + 1) if n <= FINE or n % FINE == 0):
                for ram_tile in ram_tiles(pdk):
                    e = estimate(shape, context, die, tile, (rows, columns), ram_tile, macro, c)
                    if e is not None:
                        found.append(e)
    if not found:
        raise FlowError(
            f"{model} with {context} positions fits on no array of a die of {die.name}: the keys and values"
            " of one layer, one rom and one vec tile are more than the die has room for",
            hint="Pass a smaller --context or a larger --base.",
            code=ExitCode.USAGE,
        )
    best = [
        _counted(e, shape, context)
        for tile in rom_tiles(pdk)
        for e in _front([e for e in found if e.tile == tile], die)
    ]
    front = {id(e) for e in _front(best, die)}
    return Exploration(
        model, context, die, clocks(), pdk, len(found), tuple(best),
        frozenset(n for n, e in enumerate(best) if id(e) in front),
    )  # fmt: skip


def _counted(e: Estimate, shape: Shape, context: int) -> Estimate:
    """With cycles of the program where a die has one column of tiles, as far as that can be compiled."""
    size = e.tile.size
    if (e.dies, e.grid[1], size.columns, size.rows) != (1, 1, BLOCK, STEP) or context < 2:
        return e
    try:
        told = program_cycles(shape, context, size, e.grid[0], e.ram_tile.size, e.ram)
    except FlowError:  # heads that no ram tile holds, or more words than M can have: then formulas tell
        return e
    cycles = dict.fromkeys(e.cycles, 0.0) | {k: float(n) for k, n in told.items() if k != "swiglu"}
    cycles["hadamard"] = float(told["swiglu"])
    return replace(e, cycles=cycles, slowest=sum(cycles.values()), counted=True)


def _front(found: list[Estimate], die: Die) -> list[Estimate]:
    """Those that no other beats in silicon and in cycles; the smallest first."""
    out: list[Estimate] = []
    for e in sorted(found, key=lambda e: (silicon(e, die), e.token)):
        if not out or e.token < out[-1].token:
            out.append(e)
    return out


def print_exploration(x: Exploration) -> None:
    """Print the table, the formulas and the constants with their sources."""
    click.echo(
        f"{x.model} on arrays of tiles ({x.pdk}, {x.die.name}: {x.die.mm2:.1f} mm2 within the edge), context"
        f" {x.context}; clock {x.clock.slow / 1e6:.1f} MHz slow, {x.clock.typical / 1e6:.1f} MHz typical"
    )
    click.echo(f"{x.tried:,} arrays tried; * no other has less silicon and fewer cycles\n")
    click.echo(HEAD)
    shown = [n for n in range(len(x.best)) if n in x.pareto or len(x.best) <= SHOWN]
    for n, e in enumerate(x.best):
        if n in shown or _extreme(x, n):
            click.echo(_row(x, n, e))
    click.echo()
    for text in FORMULAS:
        click.echo(text)
    click.echo("\nconstants")
    for name, v in constants(x.pdk, "fabric").items():
        click.echo(f"  {name:18} {v.value:>9,} {v.unit:6} {v.source}")


HEAD = (
    "  rom tile                         tiles of a die            silicon     cycles per token"
    "                                                             one stream     pipelined    ROM\n"
    "  banks rows cols um2/w  cells   rom     ram x rows vec     dies       mm2    bound  weights  drains"
    "  vector attention   emb  links     token  slow   typ.    slow    typ.     mJ"
)
FORMULAS = (
    "um2/w: of a rom tile, everything in it, per weight of 4 bits",
    "bound: codes of 4 bits, two per weight of 6, / (rom tiles of a die * columns * rows per cycle); of a"
    " head on several dies its part",
    "weights: a phase (q k v, o, gate and up, down, head) takes ceil(outputs / outputs of the grid) passes of"
    " max(inputs / grid rows / rows per cycle, sums that leave a column of tiles, their products / lanes)"
    " cycles; with the norm before the head and the draw after it",
    "drains: for each phase of a layer, step_stages + row_stages x grid rows + grid columns + lane_stages +"
    " sums that leave",
    "vector: norms, softmax of the last heads, the last Hadamard, where they do not overlap with matrices",
    "attention: at the last position; as many heads side by side as there are vec tiles, on their ram tiles",
    "links: from die to die, what the last pass of `down` gives of the residual, and what did not go before",
    "counted: a die of one column of tiles, two rows per cycle: cycles of the compiled program, as its RTL"
    " has them, each phase with its waits; all other rows are by formulas, which assume more overlap",
    "pipelined: clock / cycles of the slowest die; ROM: bits * ones * (bit_line + bit_line_load) * supply^2",
)


def _extreme(x: Exploration, n: int) -> bool:
    """Whether it is the smallest or the fastest of its tile."""
    same = [m for m, e in enumerate(x.best) if e.tile == x.best[n].tile]
    return n in (same[0], same[-1])


def _row(x: Exploration, n: int, e: Estimate) -> str:
    s, c = e.tile.size, e.cycles
    vector = c["norms"] + c["softmax"] + c["hadamard"]
    dies = f"{e.dies}+{e.lookup_dies:.1f}" if e.lookup_dies else f"{e.dies}"
    return (
        f"{'*' if n in x.pareto else ' '} {s.banks:5} {s.rows:4} {s.columns:4} {e.tile.um2_a_weight:5.2f}"
        f" {e.tile.cells:6,} {e.grid[0]:3}x{e.grid[1]:<4}{e.ram:4} x {e.ram_tile.size.words:<4}"
        f" {e.vec:3} {dies:>8}"
        f" {silicon(e, x.die):9,.1f} {e.bound:8,.0f} {c['matrices'] + c['head']:8,.0f} {c['drains']:7,.0f}"
        f" {vector:7,.0f} {c['attention']:9,.0f} {c['embedding']:5,.0f} {c['links']:6,.0f} {e.token:9,.0f}"
        f" {x.clock.slow / e.token:5,.0f} {x.clock.typical / e.token:6,.0f}"
        f" {x.clock.slow / e.slowest:7,.0f} {x.clock.typical / e.slowest:7,.0f} {e.rom_joule * 1e3:6.3g}"
        f"{' counted' if e.counted else ''}"
    )
