"""RTL to sky130_fd_sc_hd cells."""

__all__ = ["Netlist", "map_to_cells", "script_digest", "stat_netlist"]

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path

from base_chip.synth.yosys import library_in, run_yosys

# Cells not to use: isolation cells need a second supply, probes and delay cells are for other purposes.
AVOID = ("lpflow_*", "probe*", "dlygate*", "dlymetal*", "macro_*", "clkdly*")

# `clockgate` comes before the flip-flops are mapped, while their enables are still visible.
# Multiplexers become 4-way ones before abc, which would leave a tree of several gates for each: more pins to
# route, for 3 % less area. A tile's clock leaves it through a gate. Its halves and channels stay apart:
# registers that are equal would become one, and selections of neighbours and of macros would be mixed, far
# from the macros' pins. OpenROAD and OpenSTA read no assignment to several wires at once.
SCRIPT = """
read_liberty -lib {liberty}
read_verilog {rtl}
hierarchy -check -top {top}
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
techmap -map +/techmap.v -map +/choices/sklansky.v
opt -fast
simplemap
opt -full
opt_dff
muxcover -nodecode -mux4={mux4_cost} {top}
techmap -map chosen.v
clockgate -pos {prefix}dlclkp_1 GATE:CLK:GCLK -min_net_size {gate_from}
dfflibmap -liberty {liberty} -dont_use {prefix}edf*
opt
abc -liberty {liberty} -D {period_ps} {avoid} {hard} -script {optimise}
hilomap -singleton -hicell {prefix}conb_1 HI -locell {prefix}conb_1 LO
insbuf -buf {prefix}clkbuf_8 A X w:clk_east
opt_clean -purge
check -mapped -assert
tee -q -o stat.json stat -json -liberty {liberty}
write_verilog -noattr -noexpr -simple-lhs netlist.v
"""

PREFIX = "sky130_fd_sc_hd__"
CHOSEN = f"""module \\$_MUX4_ (input A, B, C, D, S, T, output Y);
  {PREFIX}mux4_1 _TECHMAP_REPLACE_ (.A0(A), .A1(B), .A2(C), .A3(D), .S0(S), .S1(T), .X(Y));
endmodule
"""
MUX4_COST = 220  # where a 2-way multiplexer is 100: as their areas are
GATE_FROM = 4  # flip-flops that share an enable before a clock gate pays: 17 um2 against 11 um2 each
PERIOD_PS = 18000

# Cells that tiles do without. A NOR of four has four transistors in series to the supply and takes 5 ns in
# the slow corner. Pins of a222oi_1 and or3_1 are hard to reach: of what detailed route could not solve in the
# ram tile, 40 and 16 times as much lay at these as at any other cell.
HARD = ("nor4*", "a222oi_1", "or3_1")
# Adders are Sklansky's, and abc leaves them so: dc2 in its own script makes chains of them, for 4 % less area
# and sums of the rom tile that take 7.9 ns where these take 4.7 (typical, without wires).
OPTIMISE = (
    "+strash;ifraig;scorr;dretime;strash;&get,-n;&dch,-f;&nf;&put;buffer;upsize,{D};dnsize,{D};stime,-p"
)
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
    macros: dict[str, str],
    work: Path,
    *,
    resimplify: bool = False,
) -> Netlist:
    """Synthesise a tile.

    Args:
        rtl: Verilog text.
        top: Module to map.
        liberty: sky130_fd_sc_hd at the typical corner (.lib).
        macros: Module name to Verilog text that declares its ports.
        work: Folder for the script, the log and intermediate files.
        resimplify: Break up multiplexers that the last sharing of logic makes; most tiles have none.

    Raises:
        FlowError: Yosys failed; its log is in `work`.
    """
    work.mkdir(parents=True, exist_ok=True)
    declared = "".join(f"(* blackbox *)\n{text}\n" for text in macros.values())
    (work / "rtl.v").write_text(rtl + "\n" + declared)
    (work / "chosen.v").write_text(CHOSEN)
    script = SCRIPT.replace(*AGAIN) if resimplify else SCRIPT
    script = script.format(
        liberty=library_in(work, liberty),
        rtl="rtl.v",
        top=top,
        prefix=PREFIX,
        gate_from=GATE_FROM,
        mux4_cost=MUX4_COST,
        period_ps=PERIOD_PS,
        avoid=_without(AVOID),
        hard=_without(HARD),
        optimise=OPTIMISE,
    )
    run_yosys(script, work, "map")
    verilog = re.sub(r"\A/\*.*?\*/\n", "", (work / "netlist.v").read_text(), flags=re.S)
    return stat_netlist(work / "stat.json", verilog)


def _without(cells: tuple[str, ...]) -> str:
    return " ".join(f"-dont_use {PREFIX}{cell}" for cell in cells)


def script_digest() -> str:
    """SHA-256 of what `map_to_cells` tells Yosys, beside its arguments."""
    told = SCRIPT, CHOSEN, OPTIMISE, *AVOID, *HARD, GATE_FROM, MUX4_COST, PERIOD_PS
    return hashlib.sha256(repr(told).encode()).hexdigest()


def stat_netlist(stat: Path, verilog: str) -> Netlist:
    """A netlist with the counts and the area that Yosys' `stat -json` told."""
    told = json.loads(stat.read_text())["design"]
    cells = {k: int(v if isinstance(v, int) else v["count"]) for k, v in told["num_cells_by_type"].items()}
    return Netlist(verilog, cells, float(told["area"]))
