"""Dies of one column that are planned: vias, read-back, and one die's answer against the golden model's."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from base_chip.dies import load_die
from flow.chain import relay
from flow.chain.relay import RelayJob, relay_one
from flow.config import make_config
from flow.quality import Request, run
from flow.stitching.roms import die_plan, die_roms, die_sites
from flow.tasks.column.metal import ColumnMetalTask
from flow.tasks.column.readback import BITS, ColumnReadbackTask
from flow.tasks.die.quantise import QuantiseTask
from flow.tasks.die.ranges import Ranges
from flow.tasks.integer_model import integer_model
from flow.tasks.model import open_model
from metal_configs.checkpoint import load
from metal_configs.compile.program.part import Part
from metal_configs.models import resolve
from metal_configs.writer.manifest import read_manifest
from rtl_gen.errors import FlowError
from signoff.gatesim import Simulation, Token

BASE = "tower"


@pytest.fixture(scope="module")
def image():
    """Packed words of all ROM macros of a die."""
    rows = die_sites(BASE).rom.rows
    return np.random.default_rng(1).integers(0, 256, (rows, 16)).astype(np.uint8)


@pytest.fixture
def job(tmp_path, image):
    """A chain of one die behind `compile`."""
    names = ("quantise", "compile", "stitch", "metal", "readback")
    inputs = {name: tmp_path / name for name in names}
    for folder in (*inputs.values(), tmp_path / "out", tmp_path / "scratch"):
        folder.mkdir()
    (inputs["quantise"] / "quantised.safetensors").write_bytes(b"codes")
    (inputs["stitch"] / f"{BASE}.gds").write_bytes(b"layout")
    np.save(inputs["compile"] / "image.npy", image[None])
    (inputs["compile"] / "chip.json").write_text(json.dumps({"dies": 1}))
    return SimpleNamespace(
        config=SimpleNamespace(base=BASE, model="words"), inputs=inputs, out=tmp_path / "out",
        scratch=tmp_path / "scratch", say=lambda text: None,
    )  # fmt: skip


def made(job) -> None:
    """The die's metal config, where the next step looks for it."""
    ColumnMetalTask().work(job)
    (job.out / "die0").rename(job.inputs["metal"] / "die0")


def test_a_die_holds_what_was_compiled_and_a_planted_via_is_found(job, image):
    made(job)
    manifest = read_manifest(job.inputs["metal"] / "die0" / "manifest.json")
    assert manifest["sites"]["programmed"] == int(np.bitwise_count(image).sum())
    done = ColumnReadbackTask().work(job)
    assert [(row.name, row.status) for row in done.checks] == [
        ("readback", "pass"), ("readback_control", "pass"),
    ]  # fmt: skip
    assert done.metrics["rom_bits_read_back"] == 8 * image.size
    assert np.array_equal(np.load(job.out / "die0" / BITS).reshape(image.shape), image)


def test_a_bit_that_differs_is_named_by_macro_and_word_line(job, image):
    made(job)
    other = image.copy()
    other[256 * 70 + 9, 3] ^= 4
    np.save(job.inputs["compile"] / "image.npy", other[None])
    row = ColumnReadbackTask().work(job).checks[0]
    assert (row.status, row.count, row.detail) == ("fail", 1, "die0: macro 70 WL[9]")


def test_sites_are_those_of_the_site_map():
    sites = die_sites(BASE)
    plan = die_plan(sites)
    assert plan.sites == sites.sites == 32768 * len(die_roms(load_die(BASE)))
    x, y = (plan.axis(n) + sites.size // 2 for n in range(2))
    for bank in (0, 13, 14, len(plan.present) - 1):
        centres = sites.place(np.array(bank), *np.indices((256, 128)).reshape(2, -1))
        assert np.isin(centres[:, 0], x).all()
        assert np.isin(centres[:, 1], y).all()


def test_macros_that_stand_on_no_common_grid_are_refused():
    with pytest.raises(FlowError, match="not in columns and lines that the die shares"):
        die_plan(die_sites("nano"))


@pytest.mark.parametrize(
    "part", [(range(2), range(9), range(9), False, False), (range(0), range(0), range(4, 9), True, True)]
)
def test_what_a_die_has_is_told_and_read(part):
    model = SimpleNamespace(shape=SimpleNamespace(vocab=9))
    found = Part(model, *part)
    told = json.loads(json.dumps(Ranges.of(found).__dict__))
    assert Ranges(**told).part(model) == found


SAID = RelayJob(3, "", "scf_tower", "", ("rom_0_0.bank0.macro",), b"\x01", b"abc", (10, 14, 20), "")


def simulated(text: bytes, cycles, fault: str = "") -> Simulation:
    tokens = tuple(Token(value, cycle) for value, cycle in zip(text, cycles, strict=True))
    return Simulation(tokens, 30, 0.1, fault)


@pytest.mark.parametrize(
    ("done", "fault"),
    [
        (simulated(b"abc", (110, 114, 120)), ""),
        (simulated(b"abd", (110, 114, 120)), "byte 2 of 3 is not the golden model's"),
        (simulated(b"a", (110,), "FAULT no token"), "byte 1 of 3 is not the golden model's FAULT no token"),
        (simulated(b"abc", (110, 115, 121)), "byte 1 comes 5 cycles after the one before, 4 expected"),
        (simulated(b"abc", (110, 114, 120), "ERROR: a macro was misused"), "ERROR: a macro was misused"),
    ],
)
def test_what_a_die_says_is_compared_byte_for_byte_and_cycle_for_cycle(done, fault, monkeypatch):
    monkeypatch.setattr(relay, "_run", lambda job, spoiled: done)
    told = relay_one(SAID)
    assert (told["die"], told["fault"], told["noticed"]) == (3, fault, None)


@pytest.mark.parametrize(("text", "noticed"), [(b"abc", False), (b"abd", True)])
def test_a_control_says_whether_a_spoiled_rom_was_noticed(text, noticed, monkeypatch):
    answers = {"": simulated(b"abc", (1, 5, 11)), "rom_0_0.bank0.macro": simulated(text, (1, 5, 11))}
    monkeypatch.setattr(relay, "_run", lambda job, spoiled: answers[spoiled])
    told = relay_one(RelayJob(**{**SAID.__dict__, "spoiled": "rom_0_0.bank0.macro"}))
    assert (told["fault"], told["noticed"]) == ("", noticed)


def test_an_error_of_a_die_travels_as_plain_values(monkeypatch):
    def fails(job, spoiled):
        raise FlowError("the simulator stopped", where="run.log", hint="Look there.")

    monkeypatch.setattr(relay, "_run", fails)
    error = {"what": "the simulator stopped", "where": "run.log", "hint": "Look there.", "code": 3}
    assert relay_one(SAID) == {"die": 3, "error": error}


@pytest.fixture(scope="module")
def rounded(tmp_path_factory):
    """A file of codes, and the integers that `quantise` makes of the model that it is of."""
    done = run(open_model(load(resolve("words"), "words")), Request("rtn"))
    path = tmp_path_factory.mktemp("codes") / "quantised.safetensors"
    done.model.save(path)
    return path, done.integers


def test_codes_that_are_there_are_taken_and_not_measured(rounded, tmp_path):
    path, integers = rounded
    config = make_config("words", quantised=path)
    assert config.quantised_path == str(path)
    (tmp_path / "out").mkdir()
    done = QuantiseTask().work(SimpleNamespace(config=config, out=tmp_path / "out", say=lambda text: None))
    assert [(row.name, row.status) for row in done.checks] == [("quality", "not run")]
    found = integer_model(tmp_path / "out")
    assert all(
        np.array_equal(getattr(a, kind).codes, getattr(b, kind).codes)
        for a, b in zip(found.layers, integers.layers, strict=True)
        for kind in ("q", "down")
    )


def test_codes_of_another_model_are_refused(rounded):
    with pytest.raises(FlowError, match="dim is 32, story has 64"):
        make_config("story", quantised=rounded[0])
