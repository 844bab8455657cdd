"""Antenna rules on a layout: how much metal hangs on a gate while each layer is etched."""

__all__ = ["Rule", "Violation", "find", "run"]

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import klayout.db as kdb
import numpy as np

from rtl_gen.errors import FlowError
from signoff.chip.wiring import Stack, Wiring
from signoff.markers import write_markers
from signoff.result import CheckResult
from signoff.violations import Fault
from signoff.waivers import Waiver, judged, waive

NAME, TOOL = "antenna", "klayout.db"
_SHOWN = 5


@dataclass(frozen=True)
class Rule:
    """What may hang on a gate.

    Attributes:
        thickness: Of a wire in um, as its sides collect charge; 0 for cuts, whose area does.
        limit: Largest area over gate area, by area (um2) of diffusion on the net: points of a line.
    """

    thickness: float
    limit: tuple[tuple[float, float], ...]

    def allowed(self, diffusion: float) -> float:
        """The limit with so much diffusion (um2); beyond the last point the line goes on."""
        x, y = zip(*self.limit, strict=True)
        if diffusion <= x[-1]:
            return float(np.interp(diffusion, x, y))
        return float(y[-1] + (diffusion - x[-1]) * (y[-1] - y[-2]) / (x[-1] - x[-2]))


@dataclass(frozen=True)
class Violation:
    """A net with too much on its gates.

    Attributes:
        layer: That is etched.
        net: Name, or number, of the net as far as it is connected by then.
        place: Of some of the metal, um.
        ratio: Area of sides or cuts over gate area.
        limit: What it may be.
    """

    layer: str
    net: str
    place: tuple[float, float]
    ratio: float
    limit: float

    def __str__(self) -> str:
        x, y = self.place
        return (
            f"{self.layer} of net {self.net} at ({x:g}, {y:g}) um: {self.ratio:.0f}, limit {self.limit:.0f}"
        )


def run(
    layout: kdb.Layout,
    top: str,
    stack: Stack,
    rules: Mapping[str, Rule],
    waivers: Sequence[Waiver] = (),
    markers: Path | None = None,
) -> list[CheckResult]:
    """Check a chip, then a layout where every rule is broken once and kept once.

    Args:
        layout: GDS read by KLayout, units of 1 nm.
        top: Cell to check.
        stack: The process.
        rules: By layer; a layer without one is not checked.
        waivers: Of this and other checks; the rule of one is a layer.
        markers: Marker database to write.

    Returns:
        The rows `antenna` and `antenna_control`.
    """
    cell = layout.cell(top)
    if cell is None:
        raise FlowError(f"no cell {top} in the layout", hint="Build the chip again.")
    faults = [Fault(v.layer, top, (*v.place, *v.place), str(v)) for v in find(layout, cell, stack, rules)]
    if markers is not None:
        write_markers(markers, top, faults, about=f"antenna ratios of {top}")
    after = waive(NAME, top, faults, waivers)
    good = f"no gate of {top} has too much on it on {', '.join(rules)}"
    detail = "; ".join(fault.place for fault in after.left[:_SHOWN]) or good
    row = judged(NAME, TOOL, version("klayout"), after, detail)
    return [row, _control(row, stack, rules)]


def find(layout: kdb.Layout, cell: kdb.Cell, stack: Stack, rules: Mapping[str, Rule]) -> Iterator[Violation]:
    """Violations, layer by layer upwards, as the layers are made."""
    whole: dict[str, float] = {}
    for number, wire in enumerate(stack.wires):
        cuts = [cut for _, cut, _ in stack.joins[number : number + 1]]
        layers = [name for name in (wire, *cuts) if name in rules]
        wiring = Wiring(layout, cell, stack, upto=wire, wells=False)
        for name in layers:
            yield from _on_layer(wiring, name, rules[name])
        above = {name for join in stack.joins[number + 1 :] for name in join[:2]} | {
            *stack.wires[number + 1 :]
        }
        if not any(
            _may_exceed(wiring, cut, [n for n in rules if n in above], rules, whole, cell) for cut in cuts
        ):
            return


def _may_exceed(
    wiring: Wiring,
    cut: str,
    above: list[str],
    rules: Mapping[str, Rule],
    whole: dict[str, float],
    cell: kdb.Cell,
) -> bool:
    """Whether a layer above a cut could break its rule.

    It reaches gates through nets that the cut is on already, which can but get more gates and diffusion from
    above. Where even all of the layer (`whole`, filled here) is not too much for any of them, as met5 for
    the many gates of a supply, the layer needs no look at its own nets.
    """
    gates, cuts, drains = (wiring.regions[n] for n in ("gate", cut, "drain"))
    for circuit in wiring.l2n.netlist().each_circuit():
        for net in circuit.each_net():
            if wiring.l2n.shapes_of_net(net, cuts, True).is_empty():
                continue
            gate = _flat(wiring, net, gates).area() * 1e-6
            if not gate:
                continue
            diffusion = _flat(wiring, net, drains).area() * 1e-6
            for name in reversed(above):
                if name not in whole:
                    whole[name] = _collected(wiring.drawn(name, cell).merged(), rules[name])
                if whole[name] > rules[name].allowed(diffusion) * gate:
                    return True
    return False


def _collected(metal: kdb.Region, rule: Rule) -> float:
    """Area (um2) of a wire's sides, or of cuts."""
    return metal.perimeter() * 1e-3 * rule.thickness if rule.thickness else metal.area() * 1e-6


def _on_layer(wiring: Wiring, name: str, rule: Rule) -> Iterator[Violation]:
    """Nets beyond the rule. KLayout finds those beyond the limit without diffusion, which are few."""
    gates, metal, drains = (wiring.regions[n] for n in ("gate", name, "drain"))
    factors = (0.0, rule.thickness) if rule.thickness else (1.0, 0.0)
    suspects = wiring.l2n.antenna_check(gates, 1.0, 0.0, metal, *factors, rule.allowed(0))
    seen = set()
    for shape in suspects.each():
        point = shape.decompose_trapezoids(kdb.Polygon.TD_simple)[0].bbox().center()
        net = wiring.l2n.probe_net(metal, point)
        if net is None:
            raise FlowError(f"no net at {point} on {name}", hint="Report it: the check contradicts itself.")
        key = net.circuit().name, net.cluster_id
        if key in seen:
            continue
        seen.add(key)
        hanging = _flat(wiring, net, metal)
        ratio = _collected(hanging, rule) / (_flat(wiring, net, gates).area() * 1e-6)
        limit = rule.allowed(_flat(wiring, net, drains).area() * 1e-6)
        if ratio > limit:
            yield Violation(name, net.expanded_name(), (point.x / 1000, point.y / 1000), ratio, limit)


def _flat(wiring: Wiring, net: kdb.Net, region: kdb.Region) -> kdb.Region:
    return wiring.l2n.shapes_of_net(net, region, True).merged()


# -- negative control ------------------------------------------------------------------

_GATE = (420, 150)  # nm
_TOO_MUCH = 1.2  # times the limit
_DIODE = (700, 700)  # nm; with its diffusion, each rule is kept


def _control(row: CheckResult, stack: Stack, rules: Mapping[str, Rule]) -> CheckResult:
    bare, guarded = (_planted(stack, rules, diode) for diode in (False, True))
    caught = {v.layer for v in find(bare, bare.top_cell(), stack, rules)}
    wrong = {v.layer for v in find(guarded, guarded.top_cell(), stack, rules)}
    lost = [name for name in rules if name not in caught]
    faults = [f"not found: {name}" for name in lost] + [
        f"found in spite of a diode: {n}" for n in sorted(wrong)
    ]
    detail = (
        "" if faults else f"a gate without a diode found on each of {len(rules)} layers, and none with one"
    )
    status = "fail" if faults else "pass"
    return CheckResult(
        f"{NAME}_control", row.tool, row.version, len(faults), 0, status, "; ".join(faults), detail
    )


def _planted(stack: Stack, rules: Mapping[str, Rule], diode: bool) -> kdb.Layout:
    """For each rule a gate with 1.2 times of what it may have, in rows 20 um apart."""
    layout = kdb.Layout()
    cell = layout.create_cell("antennas")
    for row, (name, rule) in enumerate(rules.items()):
        y = 20_000 * row

        def draw(layer: str, x0: int, y0: int, x1: int, y1: int, y: int = y) -> None:
            cell.shapes(layout.layer(*stack.layers[layer])).insert(kdb.Box(x0, y + y0, x1, y + y1))

        width, length = _GATE
        draw("diff", -500, 0, 500, width)
        draw("poly", -length // 2, -1000, length // 2, width + 500)
        pillar = (-70, -900, 70, -760)
        draw(stack.contact, *pillar)
        draw(stack.wires[0], *pillar)
        for lower, cut, upper in stack.joins:
            if name in (lower, cut):
                break
            draw(cut, *pillar)
            draw(upper, *pillar)
        area = _TOO_MUCH * rule.allowed(0) * width * length * 1e-6  # um2
        if rule.thickness:
            draw(name, -70, -900, -70 + round(area / rule.thickness / 2 * 1000), -760)
        else:
            lower = next(a for a, cut, _ in stack.joins if cut == name)
            side = round(area**0.5 * 1000)
            for layer in (lower, name):
                draw(layer, -70, -900, -70 + side, -900 + side)
        if diode:
            wide, high = _DIODE
            draw("diff", -3000, -1000, -3000 + wide, -1000 + high)
            draw(stack.contact, -2900, -900, -2760, -760)
            draw(stack.wires[0], -3000, -900, 70, -760)
    return layout
