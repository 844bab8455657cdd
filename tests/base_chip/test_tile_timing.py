"""What paths between registers need, before a tile is placed."""

import gzip
import shutil

import pytest

from base_chip.synth.mapping import Netlist
from base_chip.synth.tiles import VEC_TILE, map_vec_tile
from base_chip.synth.timing import tile_timing
from flow.hardening.synthesis import CORNER
from flow.pdk.providers import find_pdk

P = "sky130_fd_sc_hd__"
TOY = f"""module toy (clk, d, q);
  input clk;
  input d;
  output q;
  wire \\inner.first ;
  wire \\tile.second ;
  wire n1, n2, low;
  {P}inv_1 _0_ (.A(clk), .Y(low));
  {P}dfxtp_1 _1_ (
    .CLK(clk),
    .D(d),
    .Q(\\inner.first )
  );
  {P}inv_1 _2_ (.A(\\inner.first ), .Y(n1));
  {P}dfxtp_1 _3_ (
    .CLK(low),
    .D(n1),
    .Q(\\tile.second )
  );
  {P}inv_1 _4_ (.A(\\tile.second ), .Y(n2));
  {P}dfxtp_1 _5_ (
    .CLK(low),
    .D(n2),
    .Q(q)
  );
endmodule
"""


@pytest.fixture
def liberties(sky130, tmp_path):
    """Of the slow and the typical corner."""
    found = find_pdk(sky130, need_all=False).liberty
    slow = next((c for c in found if "ss_n40C_1v40" in c), None)
    if CORNER not in found or slow is None:
        pytest.skip("no liberty here (PDK_ROOT, lambdapdk or SCF_LIBERTY_DIR)")
    if shutil.which("sta") is None:
        pytest.skip("no OpenSTA")
    out = {}
    for corner, path in (("ss_n40C_1v40", found[slow]), ("tt_025C_1v80", found[CORNER])):
        data = path.read_bytes()
        out[corner] = tmp_path / f"{corner}.lib"
        out[corner].write_bytes(gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data)
    return out


@pytest.mark.flow
def test_a_path_to_a_register_of_the_other_edge_has_half_a_period(liberties, tmp_path):
    net = Netlist(TOY, {f"{P}dfxtp_1": 3, f"{P}inv_1": 3}, 0.0)
    found = tile_timing(net, "toy", liberties, tmp_path / "sta")
    for paths in found.values():
        told = {(p.start, p.end): p for p in paths}
        assert {k: p.share for k, p in told.items()} == {("first", "second"): 0.5, ("second", "q"): 1.0}
        assert paths[0].end == "second"
        assert all(0 < p.needs_ns <= p.period_ns for p in paths)
    slow, typical = (found[c][0].period_ns for c in ("ss_n40C_1v40", "tt_025C_1v80"))
    assert slow > 2 * typical


@pytest.mark.flow
def test_but_for_the_select_of_the_program_the_vec_tile_is_in_time_without_buffers(liberties, tmp_path):
    """That select has 128 loads per pair of macros, which place and route buffers."""
    net = map_vec_tile(VEC_TILE, liberties["tt_025C_1v80"], tmp_path / "map")
    found = tile_timing(net, "scf_vec_tile", liberties, tmp_path / "sta")
    for corner, most in (("ss_n40C_1v40", 40), ("tt_025C_1v80", 1000 / 60)):
        first = next(p for p in found[corner] if "which" not in p.start)
        assert first.period_ns < most, first
