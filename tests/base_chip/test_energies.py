"""Energies of cells out of liberty's tables."""

import gzip
import os
from pathlib import Path

import pytest

from base_chip.arrays.liberty import rom_liberty
from base_chip.arrays.spec import RomSpec
from base_chip.arrays.timing import load_timing
from base_chip.pdk import load_pdk
from base_chip.pdk.energies import by_condition, from_liberty, load_energies
from base_chip.pdk.place_route import load_place_route
from base_chip.pdk.power import load_power

LIBERTY = """
library ("x") {
    cell ("lib__inv_1") {
        cell_leakage_power : 0.5000;
        pin ("A") {
            capacitance : 0.0020;
            direction : "input";
            internal_power () {
                fall_power ("p1") {
                    index_1("0.01, 0.12, 1.5");
                    values("1.0, 0.003, 9.0");
                }
                rise_power ("p1") {
                    index_1("0.01, 0.12, 1.5");
                    values("1.0, -0.002, 9.0");
                }
            }
        }
        pin ("Y") {
            direction : "output";
            internal_power () {
                related_pin : "A";
                fall_power ("p2") {
                    index_1("0.01, 0.12");
                    index_2("0.0005, 0.009, 0.1");
                    values("1.0, 1.0, 1.0", \\
                        "1.0, -0.010, 1.0");
                }
                rise_power ("p2") {
                    index_1("0.01, 0.12");
                    index_2("0.0005, 0.009, 0.1");
                    values("1.0, 1.0, 1.0", \\
                        "1.0, 0.016, 1.0");
                }
            }
            internal_power () {
                when : "B";
                fall_power ("scalar") {
                    values("0.001");
                }
                rise_power ("scalar") {
                    values("0.001");
                }
            }
        }
    }
}
"""


def test_energies_of_a_pin_by_their_condition():
    assert by_condition(LIBERTY, "Y") == pytest.approx({"": 0.006, "B": 0.002})
    assert by_condition(LIBERTY, "A") == pytest.approx({"": 0.001})


def test_a_pin_has_its_capacitance_and_the_mean_energy_of_a_cycle():
    (cell,) = from_liberty(LIBERTY, "lib__").values()
    assert cell.nw == 0.5
    assert (cell.pins["A"].pf, cell.pins["A"].pj) == (0.002, 0.001)
    assert (cell.pins["Y"].pf, cell.pins["Y"].pj) == (0.0, 0.004)  # mean of 0.006 and 0.002


def test_a_macro_has_energies_of_its_clock_and_capacitances_of_its_buses():
    spec, corner = RomSpec(256, 128), "tt_025C_1v80"
    (rom,) = from_liberty(rom_liberty(spec, corner, load_timing(spec)), "").values()
    timing = load_timing(spec).at(corner)
    assert rom.nw == pytest.approx(1000 * timing.leakage_uw, rel=1e-3)
    assert rom.pins["clk"].pj == pytest.approx(timing.read_pj, rel=1e-3)
    assert {pin for pin, e in rom.pins.items() if not e.pf} == {"q"}


def test_a_liberty_that_is_cut_short_is_refused():
    with pytest.raises(ValueError, match="without an end"):
        from_liberty(LIBERTY[:400], "lib__")


def test_the_table_has_every_corner_of_the_chip_and_its_wires():
    pdk = load_pdk("sky130")
    corners = load_place_route(pdk).corners.values()
    energies, facts = load_energies(pdk), load_power(pdk)
    assert set(energies) == {c.liberty for c in corners}
    assert {c.parasitics for c in corners} <= set(facts.ohms)
    slow, typical, fast = (cells["dfxtp_1"] for cells in energies.values())
    assert slow.pins["CLK"].pj < typical.pins["CLK"].pj < fast.pins["CLK"].pj
    assert typical.pins["Q"].pf == 0


@pytest.mark.skipif("SCF_LIBERTY_DIR" not in os.environ, reason="needs liberty: set SCF_LIBERTY_DIR")
def test_the_table_is_that_of_the_liberty():
    pdk = load_pdk("sky130")
    library = load_place_route(pdk).library
    corner = "tt_025C_1v80"
    path = Path(os.environ["SCF_LIBERTY_DIR"]) / f"{library}__{corner}.lib.gz"
    assert (
        from_liberty(gzip.decompress(path.read_bytes()).decode(), f"{library}__")
        == load_energies(pdk)[corner]
    )
