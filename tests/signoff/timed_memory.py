"""A block with a ROM and an SRAM macro, as a netlist and its SDF: every delay is known."""

__all__ = ["MEMORIES", "MODELS", "RAM", "ROM", "memory_block"]

from pathlib import Path

from base_chip.arrays.spec import RomSpec
from base_chip.arrays.sram.spec import SramSpec
from base_chip.arrays.sram.views import sram_verilog
from base_chip.arrays.views import rom_verilog
from signoff.gatesim.timed import Memory, TimedDesign, timed_design
from signoff.netlist import read_netlist
from signoff.timing.cells import load_cells
from signoff.timing.sdf import read_sdf
from tests.signoff.timed_block import instance, sdf_of

ROM, RAM = RomSpec(32, 32), SramSpec(32, 8)
MEMORIES = {ROM.name: Memory(ROM.words, rom=True), RAM.name: Memory(RAM.words, rom=False)}
MODELS = rom_verilog(ROM) + sram_verilog(RAM)
ADDRESS = 5


def verilog() -> str:
    """A byte is written to the SRAM at the address in its low bits, and read a cycle later.

    It comes back exclusive or what the ROM has there. A byte is taken in every other cycle.
    """
    cells: list[str] = []
    wires: list[str] = []

    def cell(kind: str, name: str, out: str, **pins: str) -> str:
        wires.append(out)
        cells.append(instance(kind, name, out, pins))
        return out

    cell("clkbuf_2", "root", "c", A="clk")
    cell("conb_1", "tie", "one")
    cell("nor2b_1", "ask", "asked", A="rst", B_N="rx_valid")
    cell("nor2b_1", "take", "taken", A="v", B_N="asked")
    # Its clock comes after what changes at the edge, by less than its setup.
    cell("clkbuf_2", "later", "c2", A="c")
    cell("dfxtp_1", "seen", "saw", CLK="c2", D="asked")
    cell("clkinv_1", "free", "ready", A="v")
    for n, data in enumerate(("taken", "v", "v2", "v3")):
        cell("dfxtp_1", f"stage{n}", ("v", "v2", "v3", "v4")[n], CLK="c", D=data)
    for n in range(8):
        cell("mux2_1", f"keep{n}", f"k{n}", A0=f"d{n}", A1=f"rx_data[{n}]", S="taken")
        cell("dfxtp_1", f"data{n}", f"d{n}", CLK="c", D=f"k{n}")
        cell("clkinv_1", f"not{n}", f"n{n}", A=f"d{n}")
    for row in range(8):
        a, b, c = (f"{'d' if row >> k & 1 else 'n'}{k}" for k in range(3))
        cell("and4_1", f"row{row}", f"a{row}", A=a, B=b, C=c, D="one")
    for group in range(4):
        a, b = (f"{'d' if group >> k & 1 else 'n'}{k + 3}" for k in range(2))
        cell("and4_1", f"group{group}", f"g{group}", A=a, B=b, C="one", D="one")
        cell("clkinv_1", f"low{group}", f"b{group}", A=f"g{group}")
    rows, groups, data = (
        "{" + ", ".join(f"{letter}{n}" for n in reversed(range(count))) + "}"
        for letter, count in (("a", 8), ("b", 4), ("d", 8))
    )
    found = {
        of: "{" + ", ".join(f"{of}{n}" for n in reversed(range(bits))) + "}"
        for of, bits in (("p", 32), ("s", 8))
    }
    wires += [f"p{n}" for n in range(32)] + [f"s{n}" for n in range(8)]
    cells.append(
        f" {ROM.name} \\bank.macro  (.clk(c), .enable(v), .a({rows}), .b_n({groups}), .q({found['p']}));"
    )
    cells.append(
        f" {RAM.name} \\work.macro  (.clk(c), .enable(v2), .a({rows}), .b_n({groups}), .write({{v}}),"
        f" .d({data}), .q({found['s']}));"
    )
    for n in range(8):
        cell("xor2_1", f"mix{n}", f"x{n}", A=f"p{n}", B=f"s{n}")
        cell("dfxtp_1", f"out{n}", f"o{n}", CLK="c", D=f"x{n}")
    ports = "input clk, rst, rx_valid, tx_ready; input [7:0] rx_data;"
    ports += " output rx_ready, tx_valid; output [7:0] tx_data;"
    joins = ["rx_ready = ready", "tx_valid = v3", *(f"tx_data[{n}] = o{n}" for n in range(8))]
    head = f"module top (clk, rst, rx_valid, tx_ready, rx_data, rx_ready, tx_valid, tx_data);\n {ports}\n"
    body = [*(f" wire {w};" for w in wires), *cells, *(f" assign {j};" for j in joins), "endmodule", ""]
    return head + "\n".join(body)


def memory_block(folder: Path, kit: Path, hold: float = 0.05) -> TimedDesign:
    """The block, written to files and read again; the macros' hold is `hold` ns, inputs change after 0.11."""
    (folder / "top.v").write_text(verilog())
    netlist = read_netlist(folder / "top.v")
    cells = load_cells({i.cell for i in netlist.instances.values()} - {ROM.name, RAM.name}, kit)
    macros = {}
    for name, spec in (("bank.macro", ROM), ("work.macro", RAM)):
        pins = ["enable", *(f"a[{n}]" for n in range(8)), *(f"b_n[{n}]" for n in range(4))]
        pins += ["write", *(f"d[{n}]" for n in range(8))] if spec is RAM else []
        limits = [f"(SETUP {p} (negedge clk) (0.3:0.3:0.3))" for p in pins]
        limits += [f"(HOLD {p} (posedge clk) ({hold}:{hold}:{hold}))" for p in pins]
        limits += [f"(WIDTH ({edge} clk) (1.5:1.5:1.5))" for edge in ("posedge", "negedge")]
        paths = [f"(IOPATH clk q[{n}] (0.8:0.8:0.8) (3.0:3.0:3.0))" for n in range(spec.outputs)]
        macros[name] = spec.name, paths, limits
    (folder / "top.sdf").write_text(sdf_of(netlist, cells, "q", macros))
    return timed_design(netlist, read_sdf(folder / "top.sdf"), cells, MEMORIES)
