"""RTL to sky130_fd_sc_hd cells."""

__all__ = ["Netlist", "map_to_cells", "script_digest", "stat_netlist"]

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path

from base_chip.synth.yosys import library_in, run_yosys
from rtl_gen.romport import PRECHARGE, WORD_LINE

# Cells not to use: isolation cells need a second supply, probes and delay cells are for other purposes.
AVOID = ("lpflow_*", "probe*", "dlygate*", "dlymetal*", "macro_*", "clkdly*")

# `clockgate` comes before the flip-flops are mapped, while their enables are still visible.
# The engine stays a module of its own, so that it can be proved equivalent by itself; so do the gates that
# start a bank's evaluation, so that no other gate takes the clock as data. The multiplexers that read
# memories become 4-way ones before abc, which would leave a tree of several gates for each: in nano 2,300
# cells and 7,400 pins more to route, for 3 % less area. A tile's clock leaves it through a gate. Its halves
# and channels stay apart: registers that are equal would become one, and selections of neighbours and of
# macros would be mixed, far from the macros' pins.
SCRIPT = """
read_liberty -lib {liberty}
read_verilog {rtl}
delete {drivers}
techmap -map chosen.v
hierarchy -check -top {top}
setattr -mod -set keep_hierarchy 1 {top}.core.datapath.engine {top}.rom.phase*
setattr -mod -set keep_hierarchy 1 {top}.tile.half? {top}.tile.half?.channel? {top}.tile.half?.channel?.near?
setattr -mod -set keep_hierarchy 1 {top}.inner.near?
proc
flatten
opt
memory -nomap
opt
memory_map
attrmap -remove init
opt -full
wreduce
peepopt
opt_clean
booth
alumacc
share
opt
techmap
opt -fast
simplemap
opt -full
opt_dff
muxcover -nodecode -mux4={mux4_cost} {top}
techmap -map chosen.v
clockgate -pos {prefix}dlclkp_1 GATE:CLK:GCLK -min_net_size {gate_from}
dfflibmap -liberty {liberty} -dont_use {prefix}edf*
opt
abc -liberty {liberty} -D {period_ps} {avoid}
hilomap -singleton -hicell {prefix}conb_1 HI -locell {prefix}conb_1 LO
insbuf -buf {prefix}clkbuf_8 A X w:clk_east
opt_clean -purge
check -mapped -assert
tee -q -o stat.json stat -json -liberty {liberty}
write_verilog -noattr -noexpr netlist.v
"""

PREFIX = "sky130_fd_sc_hd__"
# A word line is 0.2 pF and a wire, PRE_N 0.65 pF: what abc would choose takes 9 ns in the slow corner.
CHOSEN = f"""module {WORD_LINE}(input high, input low, output line);
  {PREFIX}and2_4 _TECHMAP_REPLACE_ (.A(low), .B(high), .X(line));
endmodule

module {PRECHARGE}(input on, output pre_n);
  {PREFIX}clkbuf_16 _TECHMAP_REPLACE_ (.A(on), .X(pre_n));
endmodule

module \\$_MUX4_ (input A, B, C, D, S, T, output Y);
  {PREFIX}mux4_1 _TECHMAP_REPLACE_ (.A0(A), .A1(B), .A2(C), .A3(D), .S0(S), .S1(T), .X(Y));
endmodule
"""
MUX4_COST = 220  # where a 2-way multiplexer is 100: as their areas are
GATE_FROM = 4  # flip-flops that share an enable before a clock gate pays: 17 um2 against 11 um2 each
PERIOD_PS = 18000

# Cells that tiles do without. A NOR of four has four transistors in series to the supply and takes 5 ns in
# the slow corner. Pins of a222oi_1 and or3_1 are hard to reach: of what detailed route could not solve in the
# ram tile, 40 and 16 times as much lay at these as at any other cell.
HARD = "-dont_use {prefix}nor4* -dont_use {prefix}a222oi_1 -dont_use {prefix}or3_1"

# Adders as Sklansky's, and an abc that leaves them so: dc2 in its own script makes chains of them, for 4 %
# less area and sums of the rom tile that take 7.9 ns where these take 4.7 (typical, without wires). OpenROAD
# and OpenSTA read no assignment to several wires at once.
TILE = {
    "-noattr -noexpr": "-noattr -noexpr -simple-lhs",
    "\ntechmap\n": "\ntechmap -map +/techmap.v -map +/choices/sklansky.v\n",
    " {avoid}\n": f" {{avoid}} {HARD} -script +strash;ifraig;scorr;dretime;strash;"
    "&get,-n;&dch,-f;&nf;&put;buffer;upsize,{{D}};dnsize,{{D}};stime,-p\n",
}
AGAIN = ("opt -full\nopt_dff", "opt -full\nsimplemap\nopt_dff")


@dataclass(frozen=True)
class Netlist:
    """A mapped netlist.

    Attributes:
        verilog: The netlist's text.
        cells: Number of cells by type.
        area_um2: Cell area.
    """

    verilog: str
    cells: dict[str, int]
    area_um2: float

    @property
    def cell_count(self) -> int:
        return sum(self.cells.values())


def map_to_cells(
    rtl: str,
    top: str,
    liberty: Path,
    banks: dict[str, str],
    work: Path,
    *,
    tile: bool = False,
    resimplify: bool = False,
) -> Netlist:
    """Synthesise a base or a tile.

    Args:
        rtl: Verilog text.
        top: Module to map.
        liberty: sky130_fd_sc_hd at the typical corner (.lib).
        banks: Macros: module name to Verilog text that declares its ports.
        work: Folder for the script, the log and intermediate files.
        tile: Make adders of few levels, and use no NOR of four; the base that ships was mapped otherwise.
        resimplify: Break up multiplexers that the last sharing of logic makes; most tiles have none.

    Raises:
        FlowError: Yosys failed; its log is in `work`.
    """
    work.mkdir(parents=True, exist_ok=True)
    declared = "".join(f"(* blackbox *)\n{text}\n" for text in banks.values())
    (work / "rtl.v").write_text(rtl + "\n" + declared)
    (work / "chosen.v").write_text(CHOSEN)
    script = SCRIPT.replace(*AGAIN) if resimplify else SCRIPT
    for old, new in TILE.items() if tile else ():
        script = script.replace(old, new)
    script = script.format(
        drivers=f"{WORD_LINE} {PRECHARGE}",
        liberty=library_in(work, liberty),
        rtl="rtl.v",
        top=top,
        prefix=PREFIX,
        gate_from=GATE_FROM,
        mux4_cost=MUX4_COST,
        period_ps=PERIOD_PS,
        avoid=" ".join(f"-dont_use {PREFIX}{a}" for a in AVOID),
    )
    run_yosys(script, work, "map")
    verilog = re.sub(r"\A/\*.*?\*/\n", "", (work / "netlist.v").read_text(), flags=re.S)
    return stat_netlist(work / "stat.json", verilog)


def script_digest() -> str:
    """SHA-256 of what `map_to_cells` tells Yosys, beside its arguments."""
    told = SCRIPT, CHOSEN, TILE, *AVOID, GATE_FROM, MUX4_COST, PERIOD_PS
    return hashlib.sha256(repr(told).encode()).hexdigest()


def stat_netlist(stat: Path, verilog: str) -> Netlist:
    """A netlist with the counts and the area that Yosys' `stat -json` told."""
    told = json.loads(stat.read_text())["design"]
    cells = {k: int(v if isinstance(v, int) else v["count"]) for k, v in told["num_cells_by_type"].items()}
    return Netlist(verilog, cells, float(told["area"]))
