"""A block with one bank, as a netlist and its SDF: every delay is known."""

__all__ = ["BANK", "PERIOD", "TOP", "TimedBlock", "make_timed_block", "write_sdf"]

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from base_chip.bank import BankSpec
from base_chip.bank.liberty import bank_liberty
from base_chip.bank.timing import load_timing
from signoff.timing.cells import Cell, Flop, load_cells
from signoff.timing.netlist import Netlist, read_netlist
from signoff.timing.sense import sense
from signoff.timing.skeleton import arcs

P = "sky130_fd_sc_hd__"
TOP = "top"
BANK = BankSpec(8, 16)
PERIOD = 20.0
CORNER = "tt_025C_1v80"
WIRE, PATH, READ, CHARGED = 0.01, 0.1, 3.0, 2.0  # ns
LIMITS = {"SETUP": 0.1, "HOLD": -0.1}
WIDTH = 0.2


@dataclass(frozen=True)
class TimedBlock:
    """Its files, and what its cells are."""

    netlist: Path
    sdf: Path
    liberty: Path
    cells: Mapping[str, Cell]
    parsed: Netlist


def verilog() -> str:
    """Word lines are flops behind a clock gate; two bit lines go through a multiplexer into a flop."""
    wires, cells = [], []

    def cell(kind: str, name: str, **pins: str) -> None:
        cells.append(f" {P}{kind} {name} ({', '.join(f'.{p}({n})' for p, n in pins.items())});")

    cell("clkbuf_2", "root", A="clk", X="c")
    cell("clkinv_2", "phase", A="c", Y="ph")
    cell("buf_1", "pre", A="ph", X="pre_n")
    cell("dlclkp_1", "gate", CLK="c", GATE="en", GCLK="gc")
    for n in range(BANK.word_lines):
        cell("dfxtp_1", f"\\rom.sel[{n}] ", CLK="gc", D=f"d[{n}]", Q=f"q{n}")
        cell("and2_2", f"line{n}", A=f"q{n}", B="ph", X=f"w{n}")
    cell("dfxtp_1", "pick", CLK="c", D="s", Q="sq")
    cell("mux2_1", "column", A0="b0", A1="b1", S="sq", X="m")
    cell("xor2_1", "flip", A="m", B="sq", X="x")
    cell("dfxtp_1", "data", CLK="c", D="x", Q="y")
    cell("conb_1", "tie", LO="zero")
    words = ", ".join(f"w{n}" for n in reversed(range(BANK.word_lines)))
    bits = ", ".join(["b1", "b0"])
    unused = [f"n{n}" for n in range(BANK.bit_lines - 2)]
    cells.append(
        f" {BANK.name} \\rom.bank0  (.PRE_N(pre_n), .WL({{{words}}}), .BL({{{', '.join(unused)}, {bits}}}));"
    )
    names = [f"q{n}" for n in range(8)] + [f"w{n}" for n in range(8)] + unused
    wires = [*names, "c", "ph", "pre_n", "gc", "sq", "b0", "b1", "m", "x", "zero"]
    ports = f" input clk, en, s; input [{BANK.word_lines - 1}:0] d; output y, z;"
    head = f"module {TOP} (clk, en, s, d, y, z);\n{ports}\n"
    return (
        head + "".join(f" wire {w};\n" for w in wires) + "\n".join(cells) + "\n assign z = zero;\nendmodule\n"
    )


def write_sdf(netlist: Netlist, cells: Mapping[str, Cell]) -> str:
    """Delays of every wire and path, in OpenSTA's form: a path of either sense is there twice."""
    drivers = {
        net: f"{i.name}/{pin if len(nets) == 1 else f'{pin}[{len(nets) - 1 - n}]'}"
        for i in netlist.instances.values()
        for pin, nets in i.pins.items()
        if pin == "BL" or (i.cell in cells and pin in cells[i.cell].outputs)
        for n, net in enumerate(nets)
    }
    wires = [
        (drivers.get(net, net), f"{i.name}/{pin if len(nets) == 1 else f'{pin}[{len(nets) - 1 - n}]'}")
        for i in netlist.instances.values()
        for pin, nets in i.pins.items()
        if pin != "BL" and not (i.cell in cells and pin in cells[i.cell].outputs)
        for n, net in enumerate(nets)
    ] + [(drivers["y"], "y"), (drivers["zero"], "z")]
    out = ["(DELAYFILE", ' (SDFVERSION "3.0")', f' (DESIGN "{TOP}")', " (DIVIDER /)", " (TIMESCALE 1ns)"]
    out += [
        _cell(TOP, "", [f"(INTERCONNECT {_esc(a)} {_esc(b)} {_t(WIRE)} {_t(WIRE)})" for a, b in wires], [])
    ]
    for i in netlist.instances.values():
        if i.cell in cells:
            out.append(_cell(i.cell, i.name, list(_paths(cells[i.cell])), list(_checks(cells[i.cell]))))
    bits = range(BANK.bit_lines)
    paths = [f"(IOPATH WL[{w}] BL[{b}] () {_t(READ)})" for w in range(BANK.word_lines) for b in bits]
    paths += [f"(IOPATH PRE_N BL[{b}] {_t(CHARGED)})" for b in bits]
    out.append(_cell(BANK.name, "rom.bank0", paths, [f"(WIDTH (negedge PRE_N) {_t(1)})"]))
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
    netlist, sdf, liberty = folder / "netlist.v", folder / "delays.sdf", folder / "bank.lib"
    netlist.write_text(verilog())
    parsed = read_netlist(netlist)
    kinds = {i.cell for i in parsed.instances.values()} - {BANK.name}
    cells = load_cells(kinds, kit_cells)
    sdf.write_text(write_sdf(parsed, cells))
    liberty.write_text(bank_liberty(BANK, CORNER, load_timing(BANK)))
    return TimedBlock(netlist, sdf, liberty, cells, parsed)
