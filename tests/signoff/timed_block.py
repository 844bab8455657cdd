"""A block with one ROM macro, as a netlist and its SDF: every delay is known."""

__all__ = [
    "MEMORIES",
    "MODELS",
    "OUTPUT",
    "PERIOD",
    "ROM",
    "TOP",
    "P",
    "TimedBlock",
    "instance",
    "make_timed_block",
    "sdf_of",
    "write_sdf",
]

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from base_chip.arrays.liberty import rom_liberty
from base_chip.arrays.spec import RomSpec
from base_chip.arrays.timing import load_timing
from base_chip.arrays.views import rom_verilog
from signoff.gatesim.timed import Memory
from signoff.netlist import Netlist, read_netlist
from signoff.timing.cells import Cell, Flop, load_cells
from signoff.timing.sense import sense
from signoff.timing.skeleton import arcs

P = "sky130_fd_sc_hd__"
TOP = "top"
ROM = RomSpec(32, 32)
MEMORIES = {ROM.name: Memory(ROM.words, rom=True)}
MODELS = rom_verilog(ROM)
PERIOD = 20.0
CORNER = "tt_025C_1v80"
WIRE, PATH, READ = 0.01, 0.1, 3.0  # ns
MACRO_LIMITS = {"SETUP": 0.3, "HOLD": -0.2, "WIDTH": 1.5}
LIMITS = {"SETUP": 0.1, "HOLD": -0.2}
WIDTH = 0.2


@dataclass(frozen=True)
class TimedBlock:
    """Its files, and what its cells are."""

    netlist: Path
    sdf: Path
    liberty: Path
    cells: Mapping[str, Cell]
    parsed: Netlist


def instance(kind: str, name: str, out: str, pins: Mapping[str, str]) -> str:
    """A cell with one output."""
    joined = ", ".join(f".{p}({n})" for p, n in [*pins.items(), (OUTPUT[kind], out)])
    return f" {P}{kind} {name} ({joined});"


def verilog() -> str:
    """A host's byte selects a word, and what is in it comes back two cycles later.

    The byte's register is behind a clock gate; bit 0 is inverted by an exclusive or, bit 1 goes through a
    multiplexer both of whose data inputs it is on.
    """
    cells: list[str] = []
    wires: list[str] = []

    def cell(kind: str, name: str, out: str, **pins: str) -> None:
        wires.append(out)
        cells.append(instance(kind, name, out, pins))

    cells.append(f" {P}diode_2 ANTENNA_1 (.DIODE(rst));")
    cell("clkbuf_2", "root", "c", A="clk")
    cell("dlclkp_1", "gate", "gc", CLK="c", GATE="rx_valid")
    cell("nor2b_1", "take", "t", A="rst", B_N="rx_valid")
    cell("dfxtp_1", "first", "v", CLK="c", D="t")
    cell("dfxtp_1", "second", "v2", CLK="c", D="v")
    for n in range(5):
        cell("dfxtp_1", f"\\rom.sel[{n}] ", f"a{n}", CLK="gc", D=f"rx_data[{n}]")
        cell("clkinv_1", f"not{n}", f"n{n}", A=f"a{n}")
    cell("conb_1", "tie", "one")
    for n in range(8):
        a, b, c = (f"{'a' if n >> k & 1 else 'n'}{k}" for k in range(3))
        cell("and4_1", f"line{n}", f"w{n}", A=a, B=b, C=c, D="one")
    for n in range(4):
        a, b = (f"{'a' if n >> k & 1 else 'n'}{k + 3}" for k in range(2))
        cell("and4_1", f"group{n}", f"g{n}", A=a, B=b, C="one", D="one")
        cell("clkinv_1", f"low{n}", f"l{n}", A=f"g{n}")
    cell("xor2_1", "flip", "x", A="b0", B="v")
    cell("mux2_1", "column", "m", A0="b1", A1="b1", S="v")
    for n in range(8):
        cell("dfxtp_1", f"data{n}", f"q{n}", CLK="c", D=("x", "m")[n] if n < 2 else f"b{n}")
    words, groups, bits = (
        ", ".join(f"{letter}{n}" for n in reversed(range(count)))
        for letter, count in (("w", 8), ("l", 4), ("b", ROM.outputs))
    )
    wires += [f"b{n}" for n in range(ROM.outputs)]
    pins = f".clk(c), .enable(v), .a({{{words}}}), .b_n({{{groups}}}), .q({{{bits}}})"
    cells.append(f" {ROM.name} \\bank.macro  ({pins});")
    ports = "input clk, rst, rx_valid, tx_ready; input [7:0] rx_data;"
    ports += " output rx_ready, tx_valid; output [7:0] tx_data;"
    joins = ["rx_ready = one", "tx_valid = v2", *(f"tx_data[{n}] = q{n}" for n in range(8))]
    head = f"module {TOP} (clk, rst, rx_valid, tx_ready, rx_data, rx_ready, tx_valid, tx_data);\n {ports}\n"
    body = [*(f" wire {w};" for w in wires), *cells, *(f" assign {j};" for j in joins), "endmodule", ""]
    return head + "\n".join(body)


OUTPUT = {
    "clkbuf_2": "X", "clkinv_1": "Y", "dlclkp_1": "GCLK", "nor2b_1": "Y",
    "dfxtp_1": "Q", "and4_1": "X", "conb_1": "HI", "xor2_1": "X", "mux2_1": "X",
}  # fmt: skip


def write_sdf(netlist: Netlist, cells: Mapping[str, Cell]) -> str:
    """Delays of the block."""
    pins = ["enable", *(f"a[{n}]" for n in range(8)), *(f"b_n[{n}]" for n in range(4))]
    paths = [f"(IOPATH clk q[{n}] {_t(READ)} {_t(READ)})" for n in range(ROM.outputs)]
    limits = [
        f"({kind} ({edge} {pin}) ({clock} clk) {_t(MACRO_LIMITS[kind])})"
        for kind, clock in (("SETUP", "negedge"), ("HOLD", "posedge"))
        for pin in pins
        for edge in ("posedge", "negedge")
    ]
    limits += [f"(WIDTH ({edge} clk) {_t(MACRO_LIMITS['WIDTH'])})" for edge in ("posedge", "negedge")]
    return sdf_of(netlist, cells, "q", {"bank.macro": (ROM.name, paths, limits)})


def sdf_of(
    netlist: Netlist,
    cells: Mapping[str, Cell],
    output: str,
    macros: Mapping[str, tuple[str, list[str], list[str]]],
) -> str:
    """Delays of every wire and path, in OpenSTA's form: a path of either sense is there twice.

    Args:
        netlist: Flat.
        cells: What its cells are.
        output: The output of macros.
        macros: By instance: its cell, delays and limits.
    """
    drivers = {
        net: f"{i.name}/{pin if len(nets) == 1 else f'{pin}[{len(nets) - 1 - n}]'}"
        for i in netlist.instances.values()
        for pin, nets in i.pins.items()
        if pin == output or (i.cell in cells and pin in cells[i.cell].outputs)
        for n, net in enumerate(nets)
    }
    wires = [
        (drivers.get(net, net), f"{i.name}/{pin if len(nets) == 1 else f'{pin}[{len(nets) - 1 - n}]'}")
        for i in netlist.instances.values()
        for pin, nets in i.pins.items()
        if pin != output and not (i.cell in cells and pin in cells[i.cell].outputs)
        for n, net in enumerate(nets)
    ] + [(drivers[net], port) for port, net in netlist.aliases]
    out = ["(DELAYFILE", ' (SDFVERSION "3.0")', f' (DESIGN "{TOP}")', " (DIVIDER /)", " (TIMESCALE 1ns)"]
    out += [
        _cell(TOP, "", [f"(INTERCONNECT {_esc(a)} {_esc(b)} {_t(WIRE)} {_t(WIRE)})" for a, b in wires], [])
    ]
    for i in netlist.instances.values():
        if i.cell in cells and cells[i.cell].outputs:
            out.append(_cell(i.cell, i.name, list(_paths(cells[i.cell])), list(_checks(cells[i.cell]))))
    out += [_cell(kind, name, paths, limits) for name, (kind, paths, limits) in macros.items()]
    return "\n".join([*out, ")", ""])


def _paths(cell: Cell):
    for source, pin, way, kind in arcs(cell):
        if way == 0 and kind == "combinational":  # the opposing one first, but for inverting cells
            yield f"(IOPATH {source} {pin} {_t(PATH * 3)} {_t(PATH * 2)})"
            assert sense(cell.outputs[pin], source) == 0
        yield f"(IOPATH {source} {pin} {_t(PATH)} {_t(PATH)})"


def _checks(cell: Cell):
    if cell.storage is None:
        return
    data = cell.storage.data if isinstance(cell.storage, Flop) else cell.storage.enable
    clock = cell.storage.clock
    for kind, limit in LIMITS.items():
        for edge in ("posedge", "negedge"):
            yield f"({kind} ({edge} {data}) (posedge {clock}) {_t(limit)})"
    for edge in ("posedge", "negedge") if isinstance(cell.storage, Flop) else ("negedge",):
        yield f"(WIDTH ({edge} {clock}) {_t(WIDTH)})"


def _cell(kind: str, name: str, delays: list[str], checks: list[str]) -> str:
    lines = [
        " (CELL",
        f'  (CELLTYPE "{kind}")',
        f"  (INSTANCE {_esc(name + '/')[:-1]})" if name else "  (INSTANCE)",
    ]
    if delays:
        lines += ["  (DELAY", "   (ABSOLUTE", *(f"    {d}" for d in delays), "   )", "  )"]
    if checks:
        lines += ["  (TIMINGCHECK", *(f"    {c}" for c in checks), "  )"]
    return "\n".join([*lines, " )"])


def _esc(name: str) -> str:
    """A name as OpenSTA writes it: an instance's special characters have backslashes, a pin's have none."""
    place, slash, pin = name.rpartition("/")
    return f"{''.join(c if c.isalnum() or c == '_' else chr(92) + c for c in place)}{slash}{pin}"


def _t(value: float) -> str:
    return f"({value:.3f}::{value:.3f})"


def make_timed_block(folder: Path, kit_cells: Path) -> TimedBlock:
    """Write the block's files."""
    netlist, sdf, liberty = folder / "netlist.v", folder / "delays.sdf", folder / "rom.lib"
    netlist.write_text(verilog())
    parsed = read_netlist(netlist)
    kinds = {i.cell for i in parsed.instances.values()} - {ROM.name}
    cells = load_cells(kinds, kit_cells)
    sdf.write_text(write_sdf(parsed, cells))
    timing = msgspec.structs.replace(load_timing(RomSpec(256, 128)), words=ROM.words, bits=ROM.bits)
    liberty.write_text(rom_liberty(ROM, CORNER, timing))
    return TimedBlock(netlist, sdf, liberty, cells, parsed)
