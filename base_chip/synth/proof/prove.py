"""The proof: from equal registers and inputs follow equal outputs and equal next registers."""

__all__ = ["Proof", "prove"]

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from base_chip.synth.proof.abc import equal
from base_chip.synth.proof.aig import Aig
from base_chip.synth.proof.circuit import Algebra, Bit, Circuit, Functions, Words

_CASES = 4096  # random ones, in which a fault shows before ABC looks for it


@dataclass(frozen=True)
class Proof:
    """What a proof came to.

    Attributes:
        faults: What is not equal, or not proved; none where all is.
        registers: Bits of the RTL's registers that were proved; `constant` of them never change.
        outputs: Bits of ports, and of what macros are told.
        left_out: Bits of registers that the netlist lacks: nothing that was proved depends on them.
    """

    faults: tuple[str, ...]
    registers: int
    constant: int
    outputs: int
    left_out: int


def prove(rtl: Circuit, netlist: Circuit, matched: Mapping[Bit, Bit], folder: Path) -> Proof:
    """Show that a netlist does what its RTL does, from any state on.

    Whatever the netlist's flops hold, let the RTL's registers hold the same. Then all outputs, and all that
    macros are told, are equal, and registers take over equal values at the same edge of the same clock: so
    they are equal for ever. What a macro gives is an input, as it is the same macro in both.

    Args:
        rtl, netlist: Both circuits.
        matched: The netlist's flop, "0" or "1", by the RTL's (`match`); of others nothing is assumed.
        folder: For ABC's files.

    Raises:
        FlowError: ABC failed.
    """
    faults = [f"{name} is not in both" for name in sorted(rtl.inputs.keys() ^ netlist.inputs.keys())]
    faults += [f"{name} is not in both" for name in sorted(rtl.outputs.keys() ^ netlist.outputs.keys())]
    ours, theirs = rtl.clocks(), netlist.clocks()
    for flop, net in matched.items():
        if net in theirs and (theirs[net] is None or theirs[net] != ours[flop]):
            faults.append(f"{_name(rtl, flop)} has another clock or edge")
    if not faults:
        faults = _differences(rtl, netlist, matched, folder)
    constant = sum(net not in theirs for net in matched.values())
    left_out = len(rtl.flops) - len(matched)
    return Proof(tuple(faults), len(matched), constant, len(rtl.outputs), left_out)


def _differences(rtl: Circuit, netlist: Circuit, matched: Mapping[Bit, Bit], folder: Path) -> list[str]:
    """Functions that differ in random cases; where none does, what ABC cannot prove."""
    source = random.Random(2)
    goals = _goals(rtl, netlist, matched, Words(_CASES), lambda: source.getrandbits(_CASES))
    if faults := [f"{name} differs" for name, a, b in goals if a != b]:
        return faults
    graph = Aig()
    goals = _goals(rtl, netlist, matched, graph, graph.input)
    left, right = folder / "rtl.aig", folder / "netlist.aig"
    graph.write(left, [a for _, a, _ in goals])
    graph.write(right, [b for _, _, b in goals])
    return [] if equal(left, right, folder) else [f"ABC does not prove all of {len(goals)} functions equal"]


def _goals(
    rtl: Circuit, netlist: Circuit, matched: Mapping[Bit, Bit], algebra: Algebra, new: Callable[[], int]
) -> list[tuple[str, int, int]]:
    """What must be equal: name, and function in both, of inputs and of the netlist's flops."""
    inputs = {name: new() for name in sorted(rtl.inputs)}
    state = {net: new() for net in netlist.flops}
    given = {netlist.inputs[name]: of for name, of in inputs.items()}
    right = Functions(netlist, algebra, {**given, **state}, lambda _: new())
    given = {rtl.inputs[name]: of for name, of in inputs.items()}
    held = {flop: right.of(net) for flop, net in matched.items()}
    left = Functions(rtl, algebra, {**given, **held}, lambda _: new())
    goals = [(name, left.of(net), right.of(netlist.outputs[name])) for name, net in rtl.outputs.items()]
    for flop, net in matched.items():
        kept = right.next_of(net) if net in netlist.flops else right.of(net)
        goals.append((_name(rtl, flop), left.next_of(flop), kept))
    return goals


def _name(rtl: Circuit, flop: Bit) -> str:
    return rtl.names.get(flop, (f"net {flop}",))[0]
