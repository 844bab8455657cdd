"""Which flip-flop of a netlist holds a register of the RTL: by its name, else by what it takes over."""

__all__ = ["match"]

import random
from collections import defaultdict
from collections.abc import Iterable, Mapping

from base_chip.synth.proof.circuit import Bit, Circuit, Clock, Functions, Words

# Random cases of two functions that are taken to be the same: few for all flops, more for those that are left
_FEW, _MORE = (2048, 1), (16384, 8)  # a third of the cases of a run, runs

_Taken = list[
    tuple[int, int]
]  # of each run: what a flop takes over if all that are not matched hold 0, and if 1


def match(rtl: Circuit, netlist: Circuit) -> dict[Bit, Bit]:
    """Flops of the netlist, "0" or "1" by the RTL's flops, whose bits may have become one.

    It need not be right: the proof assumes that they are equal and shows that they stay so. A register that
    finds none is one that synthesis left out, and the proof lets it be anything.
    """
    found = _by_name(rtl, netlist)
    for cases, merged in ((_FEW, True), (_MORE, False)):
        while left := [flop for flop in rtl.flops if flop not in found]:
            used = set(found.values())
            among = [net for net in netlist.flops if merged or net not in used]
            new = _by_function(_taken(rtl, netlist, found, left, among, cases), rtl, netlist)
            if not new:
                break
            found |= new
    return found | _constants(rtl, netlist, found)


def _by_name(rtl: Circuit, netlist: Circuit) -> dict[Bit, Bit]:
    nets = {name: net for net, names in netlist.names.items() for name in names}
    holds = netlist.flops.keys() | {"0", "1"}
    found: dict[Bit, Bit] = {}
    for flop in rtl.flops:
        of = {nets[name] for name in rtl.names.get(flop, ()) if name in nets} & holds
        if len(of) == 1:
            (found[flop],) = of
    return found


def _by_function(
    taken: tuple[Mapping[Bit, _Taken], Mapping[Bit, _Taken]], rtl: Circuit, netlist: Circuit
) -> dict[Bit, Bit]:
    """Flops of one clock that take over the same in all cases, and something in some."""
    ours, theirs = taken
    clocks, of_netlist = rtl.clocks(), netlist.clocks()
    alike: dict[tuple[Clock | None, tuple[tuple[int, int], ...]], list[Bit]] = defaultdict(list)
    for net, told in theirs.items():
        alike[of_netlist[net], tuple(told)].append(net)
    found = {flop: alike.get((clocks[flop], tuple(told)), []) for flop, told in ours.items()}
    return {flop: nets[0] for flop, nets in found.items() if len(nets) == 1 and not _keeps(ours[flop])}


def _keeps(taken: _Taken) -> bool:
    """Whether a flop that holds 0 has kept it in all cases."""
    return not any(low for low, _ in taken)


def _constants(rtl: Circuit, netlist: Circuit, known: Mapping[Bit, Bit]) -> dict[Bit, Bit]:
    """Registers that hold 0 for ever once they and all others that are not matched do."""
    left = [flop for flop in rtl.flops if flop not in known]
    taken, _ = _taken(rtl, netlist, known, left, [], _MORE)
    return {flop: "0" for flop, told in taken.items() if _keeps(told)}


def _taken(
    rtl: Circuit,
    netlist: Circuit,
    known: Mapping[Bit, Bit],
    ours: Iterable[Bit],
    theirs: Iterable[Bit],
    cases: tuple[int, int],
) -> tuple[dict[Bit, _Taken], dict[Bit, _Taken]]:
    """What flops of both take over in the same random cases."""
    part, runs = cases
    source, algebra, matched = random.Random(1), Words(3 * part), set(known.values())
    found: tuple[dict[Bit, _Taken], dict[Bit, _Taken]] = (
        {net: [] for net in ours},
        {net: [] for net in theirs},
    )
    for _ in range(runs):
        inputs = {name: _word(source, part) for name in sorted(rtl.inputs)}
        state = {net: _word(source, part) for net in netlist.flops if net in matched}
        held: dict[Bit, int] = {**state, "0": 0, "1": algebra.inverse(0)}
        given = {flop: held[net] for flop, net in known.items()}
        for circuit, own, taken in ((rtl, given, found[0]), (netlist, state, found[1])):
            own = own | {circuit.inputs[name]: of for name, of in inputs.items() if name in circuit.inputs}
            low, high = (_with(circuit, algebra, own, level) for level in (0, held["1"]))
            for net, told in taken.items():
                told.append((low.next_of(net), high.next_of(net)))
    return found


def _with(circuit: Circuit, algebra: Words, known: Mapping[Bit, int], level: int) -> Functions:
    """Functions if all that is not known holds one level."""
    return Functions(circuit, algebra, known, lambda _: level)


def _word(source: random.Random, part: int) -> int:
    """Cases with as many ones as zeros, with more ones, which carry through counters, and with more zeros."""
    even, *more = (source.getrandbits(part) for _ in range(5))
    return even | (more[0] | more[1]) << part | (more[2] & more[3]) << 2 * part
