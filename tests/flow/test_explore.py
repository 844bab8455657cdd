"""The explorer: its numbers against a count of their own, its sources, and what it says of bad input."""

import dataclasses
import itertools
import json
import math
import re

import pytest

from base_chip.arrays.pins import port_names
from base_chip.arrays.spec import RomSpec
from base_chip.dies import load_die
from base_chip.dies.tiles import ram_tiles, rom_macro_um2, rom_tiles
from base_chip.pdk.constants import constants, values
from base_chip.synth.tiles import TILES
from base_chip.tiles import tile_size
from flow.cli import main
from flow.planning.explore import die_of, explore, silicon
from flow.planning.fabric import Die, estimate
from flow.planning.program import program_cycles
from metal_configs.compile.program.die import compile_die
from metal_configs.models import KNOWN
from rtl_gen.golden.array import ArrayModel
from rtl_gen.golden.matrix import Matrix
from rtl_gen.golden.vec import VecModel
from rtl_gen.tiles.macro import macro_ports, rom_macro_name, rom_pins
from rtl_gen.tiles.rom import RomTileSize
from tests.rtl_gen.test_network import random_model

C = values("sky130", "fabric")
LLAMA, WORDS = KNOWN["llama3.1-8b"].shape, KNOWN["words"].shape
MACRO = rom_macro_um2("sky130", 128)
RAM = next(t for t in ram_tiles("sky130") if t.size.words == 128)


def tile(banks, rows, columns=32):
    return next(t for t in rom_tiles("sky130") if t.size == RomTileSize(banks, rows, columns))


@pytest.fixture(scope="module")
def llama():
    return explore("llama3.1-8b", LLAMA, die_of(load_die("reticle")), "sky130", 512)


def test_cells_of_every_tile_take_the_room_that_those_of_the_hardened_one_do():
    width, height = tile_size("rom")
    hardened = tile(32, 2)
    assert hardened.um2 == pytest.approx(width * height / 1e6)
    assert hardened.size.weights == 262_144
    told = {(r["banks"], r["rows"], r["columns"]): r["um2"] for r in json.loads(TILES.read_text())["rom"]}

    def macros(banks, bits=128):
        return banks * rom_macro_um2("sky130", bits)

    room = (hardened.um2 - macros(32)) / told[32, 2, 32]  # um2 for each of a mapped cell
    for banks, rows in ((8, 1), (16, 2), (32, 4)):
        of_cells = tile(banks, rows).um2 - macros(banks)
        assert of_cells / told[banks, rows, 32] == pytest.approx(room)
    assert RAM.um2 == pytest.approx(tile_size("ram")[0] * tile_size("ram")[1] / 1e6)


def test_llama_on_one_grid_by_another_count():
    e = estimate(LLAMA, 512, Die("large", 31.3, 40.3), tile(32, 2), (24, 32), RAM, MACRO, C)
    # A pass has 32 * 32 outputs; 24 rows of tiles take 171 inputs each, two a cycle: 86 steps. k and v have
    # two passes of 86, and four of 43 on half as many rows more.
    rows = (4 + 4 + 28) * 86 + 2 * (86 + 43) + 4 * 299
    head = 126 * (86 + 43)
    assert e.dies == math.ceil((32 * rows + head) / 4096)
    # A lane has 64 products for q, k, v, gate and up: more than 43 steps.
    assert e.cycles["matrices"] == 32 * ((4 + 4 + 28) * 86 + 2 * 86 + 4 * 64 + 4 * 299)
    read = 32 * (4096 * (4096 + 2 * 2048 + 4096) + 3 * 4096 * 14336) + 2 * 128256 * 4096
    assert e.rom_joule == pytest.approx(read * 4 * 4 * 0.48 * 305e-15 * 1.8**2)
    assert e.ram * 128 * 32 == 2 * 512 * 1024
    used = 24 * 32 * tile(32, 2).um2 + 256 * RAM.um2
    assert e.die_mm2 == pytest.approx((used + 32 * 977.04 * 870.4) / 1e6)
    # 8 vec tiles, a key/value head each: 4 query heads, each 128 cycles of scores and twice that of the mix.
    assert e.cycles["attention"] == 32 * (4 * 3 * 128 + 2 * 45)
    assert e.token == sum(e.cycles.values())


def test_weights_are_never_read_faster_than_the_bound_of_their_tiles(llama):
    for e in llama.best:
        assert e.cycles["matrices"] + e.cycles["head"] >= e.bound


def test_the_chosen_tile_is_on_the_front_and_no_other_has_its_speed_on_less_silicon(llama):
    best = min((e for e in llama.best if e.tile.size == RomTileSize()), key=lambda e: e.token)
    assert llama.best.index(best) in llama.pareto
    for e in llama.best:
        assert e.token >= best.token or silicon(e, llama.die) > silicon(best, llama.die)
    assert llama.clock.typical / best.token >= 185


def test_the_front_is_one(llama):
    front = sorted((silicon(llama.best[n], llama.die), llama.best[n].token) for n in llama.pareto)
    assert len(front) > 1
    assert all(a[0] < b[0] and a[1] > b[1] for a, b in itertools.pairwise(front))
    for e in llama.best:
        assert any(s <= silicon(e, llama.die) and t <= e.token for s, t in front)


def test_a_pass_lasts_until_its_sums_have_left():
    die = Die("test", 10.0, 10.0)
    one = estimate(WORDS, 16, die, tile(32, 2), (1, 1), RAM, MACRO, C)
    # q and o: a pass each of 32 sums; k and v: three of 16; gate and up: five of 32; down: 40 rows.
    assert one.cycles["matrices"] == 2 * (32 + 3 * 16 + 32 + 5 * 32 + 40)
    # More rows of tiles cannot make it shorter than its sums.
    assert estimate(WORDS, 16, die, tile(32, 2), (8, 1), RAM, MACRO, C).cycles["matrices"] == 2 * 304


def _with_the_plans_codes(model):
    def cut(matrix, bits=4):
        half = 1 << (bits - 1)
        return Matrix(bits, matrix.codes.clip(-half, half - 1), matrix.factors)

    kinds = {"q": 4, "k": 6, "v": 6, "o": 4, "gate": 4, "up": 4, "down": 4}
    layers = tuple(
        dataclasses.replace(layer, **{k: cut(getattr(layer, k), bits) for k, bits in kinds.items()})
        for layer in model.layers
    )
    return dataclasses.replace(
        model, layers=layers, embed=cut(model.embed, 6), head=cut(model.head, 6), final=cut(model.final)
    )


def test_cycles_of_one_column_are_those_of_the_program():
    told = program_cycles(WORDS, 16, RomTileSize(8), 2, RAM.size, 3)
    model = _with_the_plans_codes(random_model(WORDS, 1))
    array = ArrayModel((2, 1), RomTileSize(8).depth, 32, 2, 20, 2)
    image = compile_die(model, array, 3, RAM.size.words)
    vec = VecModel(image)
    request = image.request([1] * 16, 0, 1)
    vec.send(request[:-1])  # all but the last token, which has the last position
    before = vec.clock.now
    vec.send(request[-1:])
    # Where epsilon is brought to the residual the integers decide.
    assert sum(told.values()) == pytest.approx(vec.said_at[0] - before, rel=0.03)
    assert all(told[phase] > 0 for phase in ("embedding", "norms", "matrices", "attention", "swiglu", "head"))
    counted = explore("words", WORDS, die_of(load_die("slot")), "sky130", 16)
    assert any(e.counted for e in counted.best)
    assert all(e.grid[1] == 1 and e.slowest == e.token for e in counted.best if e.counted)


def test_cycles_of_a_context_longer_than_a_ram_tile_are_those_of_the_program():
    shape = dataclasses.replace(WORDS, layers=1, context=140)
    told = program_cycles(shape, 140, RomTileSize(8), 2, RAM.size, 8)
    image = compile_die(
        _with_the_plans_codes(random_model(shape, 1)),
        ArrayModel((2, 1), RomTileSize(8).depth, 32, 2, 20, 2), 8, RAM.size.words,
    )  # fmt: skip
    vec = VecModel(image)
    request = image.request([1], 0, 1)
    vec.send(request[:-1])
    vec.skip_to(139)
    before = vec.clock.now
    vec.send(request[-1:])
    assert sum(told.values()) == pytest.approx(vec.said_at[0] - before, rel=0.03)


def test_every_constant_has_unit_and_source():
    for entry in constants("sky130", "fabric").values():
        assert len(entry.source) >= 10 or entry.source.endswith(".yaml")


def test_table_and_json(capsys):
    assert main(["plan", "--explore", "--model", "smollm2-135m", "--base", "slot"]) == 0
    out = capsys.readouterr().out
    assert "smollm2-135m on arrays of tiles (sky130, slot: 8.8 mm2 within the edge), context 32" in out
    assert all(name in out for name in constants("sky130", "fabric"))
    assert main(["plan", "--explore", "--model", "smollm2-135m", "--base", "slot", "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert any(a["pareto"] for a in data["arrays"])
    assert all(a["token"] == pytest.approx(sum(a["cycles"].values())) for a in data["arrays"])


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("--model", "nonsense"), "no model and no checkpoint"),
        (("--model", "words", "--base", "none"), "known: nano, reticle, slot"),
        (("--model", "words", "--pdk", "nonsense"), "unknown PDK"),
        (
            ("--model", "llama3.1-8b", "--base", "slot", "--context", "512"),
            "fits on no array of a die of slot",
        ),
        (("--model", "llama3.1-8b", "--context", "131072"), "Pass a smaller --context"),
        (("--model", "words", "--quantised", "x"), "--explore takes no --quantised"),
    ],
)
def test_bad_input(capsys, args, says):
    assert main(["plan", "--explore", *args]) == 2
    assert says in capsys.readouterr().err


def test_tiles_have_the_pins_that_the_macro_has():
    spec = RomSpec(256, 128)
    assert rom_macro_name(128) == spec.name
    declared = macro_ports(spec.name, rom_pins(128))
    buses: dict[str, int] = {}
    for port in port_names(spec):
        name = port.partition("[")[0]
        buses[name] = buses.get(name, 0) + 1
    told = {name: int(top or 0) + 1 for top, name in re.findall(r"put (?:\[(\d+):0\] )?(\w+)", declared)}
    assert told == {name: width for name, width in buses.items() if name not in ("VPWR", "VGND")}
