"""Area of the engine's column in several forms: why it has the one it has.

    python -m base_chip.synth.columns sky130_fd_sc_hd__tt_025C_1v80.lib

prints the table of docs/hardware.md. Every form is mapped by the same script: 16 columns of 4-bit weights,
an 8-bit activation, 18-bit accumulators, everything that is shared counted in.
"""

__all__ = ["FORMS", "main", "measure"]

import sys
import tempfile
from pathlib import Path

from base_chip.synth.mapping import AVOID, PREFIX, Netlist, stat_netlist
from base_chip.synth.yosys import run_yosys

COLUMNS, SUM_BITS = 16, 18

HEAD = f"""
module columns(input clk, input en, input first, input signed [7:0] a, input [{4 * COLUMNS - 1}:0] w,
               output reg [{SUM_BITS * COLUMNS - 1}:0] s);
  wire signed [7:0] x = a & {{8{{en}}}};
  wire restart = en & first;
  wire signed [9:0] x1 = x, x2 = x <<< 1, x3 = (x <<< 1) + x, n1 = -x, n2 = -(x <<< 1);
  genvar j;
  generate for (j = 0; j < {COLUMNS}; j = j + 1) begin : col
    wire signed [3:0] c = w[4*j +: 4];
    wire signed [{SUM_BITS - 1}:0] old = restart ? 0 : s[{SUM_BITS}*j +: {SUM_BITS}];
"""
TAIL = f"""
    always @(posedge clk) s[{SUM_BITS}*j +: {SUM_BITS}] <= old + product;
  end endgenerate
endmodule
"""

# Form -> (what forms `product`, whether multiplications become Booth multipliers).
FORMS: dict[str, tuple[str, bool]] = {
    "two 4-way selections of x, 2x, 3x, -x, -2x (chosen)": (
        """
    reg signed [9:0] high, low;
    always @* begin
      case (c[1:0]) 0: low = 0; 1: low = x1; 2: low = x2; 3: low = x3; endcase
      case (c[3:2]) 0: high = 0; 1: high = x1; 2: high = n2; 3: high = n1; endcase
    end
    wire signed [11:0] product = (high <<< 2) + low;
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
    wire signed [11:0] product = (high <<< 2) + low;
""",
        False,
    ),
    "16-way selection of all shared multiples": (
        """
    reg signed [11:0] product;
    always @* case (c)
      0: product = 0; 1: product = x1; 2: product = x2; 3: product = x3;
      4: product = x <<< 2; 5: product = (x <<< 2) + x; 6: product = x3 <<< 1; 7: product = (x <<< 3) - x;
      -8: product = -(x <<< 3); -7: product = x - (x <<< 3); -6: product = -(x3 <<< 1);
      -5: product = n1 - (x <<< 2); -4: product = -(x <<< 2); -3: product = -x3; -2: product = n2;
      default: product = n1;
    endcase
""",
        False,
    ),
    "Booth multiplier": ("    wire signed [11:0] product = x * c;\n", True),
    "plain multiplier": ("    wire signed [11:0] product = x * c;\n", False),
}

SCRIPT = """
read_liberty -lib {liberty}
read_verilog columns.v
hierarchy -check -top columns
proc
flatten
opt -full
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
dfflibmap -liberty {liberty}
opt
abc -liberty {liberty} {avoid}
opt_clean -purge
tee -q -o stat.json stat -json -liberty {liberty}
"""


def measure(form: str, liberty: Path, work: Path) -> Netlist:
    """Map one form; its area is of all columns together."""
    product, booth = FORMS[form]
    work.mkdir(parents=True, exist_ok=True)
    (work / "columns.v").write_text(HEAD + product + TAIL)
    avoid = " ".join(f"-dont_use {PREFIX}{a}" for a in AVOID)
    run_yosys(
        SCRIPT.format(liberty=liberty.resolve(), booth="booth" if booth else "", avoid=avoid), work, "columns"
    )
    return stat_netlist(work / "stat.json", "")


def main() -> None:
    """Print um2 and cells a column for every form."""
    liberty = Path(sys.argv[1])
    with tempfile.TemporaryDirectory() as scratch:
        for number, form in enumerate(FORMS):
            found = measure(form, liberty, Path(scratch) / str(number))
            print(f"{found.area_um2 / COLUMNS:7.0f} um2 {found.cell_count / COLUMNS:6.1f} cells  {form}")


if __name__ == "__main__":
    main()
