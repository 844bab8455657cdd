"""`sc-flow base new`, `check` and `stitch`: floorplans that fit, and what is told of those that do not."""

import pytest
import yaml

from base_chip.dies import known_dies, load_die, parse_die
from base_chip.harden.artifact import HardenedTile
from base_chip.pdk import load_pdk
from base_chip.pdk.margin import load_margin
from base_chip.tiles import tile_size
from flow.cli import main
from flow.stitching.check import check_die, find_die
from flow.stitching.new import floorplan_text, new_floorplan
from flow.stitching.tiles import views
from rtl_gen.errors import ExitCode, FlowError
from tests.stitching import view

PLANNED = "tile vec under several columns, which is planned"
UNSEEN = {
    "slot": (PLANNED,),
    "reticle": (PLANNED,),
    "tower": ("straps of tile vec_4096, which is not hardened",),
}


@pytest.mark.parametrize(("rom", "grid"), [(1, (1, 1)), (4, (1, 4)), (6, (2, 3)), (7, (7, 1))])
def test_a_new_floorplan_has_room_for_its_tiles(rom, grid):
    die = new_floorplan("four", load_die("story"), rom)
    assert (die.rom.rows, die.rom.columns) == grid or die.rom.rows * die.rom.columns == rom
    assert die.tile_width == tile_size("rom")[0]
    assert die.heights["rom"] == tile_size("rom")[1]
    assert die.ram.rows * die.rom.columns >= load_die("story").ram.rows * load_die("story").rom.columns
    margin = load_margin(load_pdk("sky130"))
    assert die.edge * 1000 >= margin.least(22 * (die.rom.rows + die.ram.rows))
    found = check_die(die, views({"rom": "rom", "ram": "ram"}))
    assert found.faults == ()
    assert found.unseen == ((PLANNED,) if die.rom.columns > 1 else ())


def test_what_is_written_is_read_again():
    die = new_floorplan("four", load_die("story"), 4)
    assert parse_die(floorplan_text(die, "story"), where="x.yaml") == die


def wider(kind, by=5):
    """A tile of some other width than its places on a die."""
    width, height = tile_size(kind)
    return view(kind, width=width + by, height=height)


@pytest.mark.parametrize("name", known_dies())
def test_every_known_die_can_be_stitched(name):
    found = check_die(load_die(name))
    assert found.faults == ()
    assert found.unseen == UNSEEN.get(name, ())


def test_a_floorplan_whose_places_are_not_the_tiles_is_told():
    die = load_die("slot")
    found = check_die(die, {"rom": wider("rom"), "ram": wider("ram", 0)})
    x, y = tile_size("rom")
    places = f"its places in the floorplan are {x / 1000:g} x {y / 1000:g} um"
    assert found.faults[0] == f"tile rom is {(x + 5) / 1000:g} x {y / 1000:g} um, {places}"
    assert any("rom_0_1 east of rom_0_0: they overlap in " in fault for fault in found.faults)


def test_tiles_whose_heights_differ_are_told():
    die = load_die("slot")
    tiles = {
        "rom": view("rom", width=die.tile_width, height=die.heights["rom"]),
        "ram": view("ram", width=die.tile_width, height=die.heights["ram"] + 5),
    }
    found = check_die(die, tiles)
    assert found.unseen == (PLANNED,)
    assert found.faults[0].startswith("tile ram is 977.04 x ")
    assert any("they overlap in (" in fault for fault in found.faults)


def test_the_whole_way_on_the_command_line(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(HardenedTile, "home", staticmethod(lambda base: tmp_path / base))
    assert main(["base", "new", "four", "--like", "slot", "--rom", "4", "--out", "four.yaml"]) == 0
    assert "1,048,576 weights" in capsys.readouterr().out
    assert yaml.safe_load((tmp_path / "four.yaml").read_text())["rom"] == {"rows": 1, "columns": 4}
    assert main(["base", "check", "four.yaml", "--all"]) == 0
    told = capsys.readouterr().out
    assert "not looked at: straps of tile rom, which is not hardened" in told
    assert main(["base", "check", "four.yaml", "--strict"]) == 1
    capsys.readouterr()
    for command, name in (("stitch", "four.yaml"), ("stitch", "rom"), ("check", "ram")):
        assert main(["base", command, name]) == ExitCode.MISSING_TOOL
        assert "has no hardened artifact" in capsys.readouterr().err
    assert (
        main(["base", "new", "four", "--like", "slot", "--rom", "4", "--out", "four.yaml"]) == ExitCode.OUTPUT
    )


def test_many_faults_are_counted_and_all_are_listed_on_request(capsys, monkeypatch):
    import flow.cli.base as command
    import flow.stitching.check as checked

    monkeypatch.setattr(command, "MOST_FAULTS", 2)
    monkeypatch.setattr(checked, "views", lambda kinds: {kind: wider(kind) for kind in kinds})
    assert main(["base", "check", "slot"]) == 1
    short = capsys.readouterr().out
    assert main(["base", "check", "slot", "--all"]) == 1
    whole = capsys.readouterr().out
    count = whole.count("fault: ")
    assert count > 3
    assert short.count("fault: ") == 2
    assert f"... and {count - 2:,} more faults; --all lists them" in short
    assert f"slot: {count} faults" in short
    assert f"slot: {count} faults" in whole


@pytest.mark.parametrize(
    ("command", "code", "says"),
    [
        (
            ["check", "none"],
            ExitCode.USAGE,
            "unknown base 'none' of tiles; known: nano, reticle, slot",
        ),
        (["check", "none.yaml"], ExitCode.BAD_INPUT, "none.yaml"),
        (["new", "story", "--like", "slot", "--rom", "4"], ExitCode.USAGE, "there is a base story already"),
        (["new", "A b", "--like", "slot", "--rom", "4"], ExitCode.USAGE, "cannot be the name of a base"),
        (["new", "x", "--like", "none", "--rom", "4"], ExitCode.USAGE, "unknown base 'none' of tiles"),
        (["new", "x", "--like", "slot", "--rom", "0"], ExitCode.USAGE, "0 rom tiles, expected 1 to"),
    ],
)
def test_bad_input_has_a_message_and_a_code(command, code, says, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["base", *command]) == code
    assert says in capsys.readouterr().err


def test_a_file_with_an_unknown_kind_of_tile_is_refused(tmp_path):
    text = floorplan_text(new_floorplan("four", load_die("story"), 4), "story")
    (tmp_path / "x.yaml").write_text(text + "cpu: {rows: 1}\n")
    with pytest.raises(FlowError, match=r"field cpu is .* expected no such field"):
        find_die(str(tmp_path / "x.yaml"))
