"""Dies of a quantised file: its codes and factors, counted to the bit, and refused when damaged."""

from dataclasses import asdict, replace

import numpy as np
import pytest

import flow.dies as dies
import flow.dies_check as dies_check
from base_chip.planned import load_planned
from flow.planning import make_plan
from metal_configs.multi_die.mapping import FACTOR
from rtl_gen.golden.quantised import QuantMatrix, QuantModel
from rtl_gen.golden.shape import Shape
from tests.planned_base import TINY

SHAPE = Shape(dim=24, layers=1, heads=2, kv_heads=1, head_dim=8, hidden=40, vocab=30, context=8)


def quantised_model(seed: int = 1) -> QuantModel:
    """Random codes in every width."""
    rng = np.random.default_rng(seed)
    matrices = {}
    for n, (name, (outputs, inputs)) in enumerate(SHAPE.matrices().items()):
        bits = (3, 4, 5, 6)[n % 4]
        codes = rng.integers(-(1 << bits - 1), 1 << bits - 1, (outputs, inputs)).astype(np.int8)
        scale = rng.uniform(0.001, 0.1, outputs)
        matrices[name] = QuantMatrix(bits, codes, scale)
    return QuantModel("m", SHAPE, matrices, np.ones(SHAPE.dim))


@pytest.fixture
def quantised(tmp_path, monkeypatch) -> dies.DieJob:
    """The first die of a quantised file."""
    for module in (dies, dies_check):
        monkeypatch.setattr(module, "load_planned", lambda name: TINY)
    path = tmp_path / "q.safetensors"
    quantised_model().save(path)
    return dies.DieJob(
        "m", str(path), 0, "quantised", asdict(SHAPE), "tiny", 8, 0, "key", str(tmp_path / "dies"),
        quantised=True,
    )  # fmt: skip


def test_dies_of_a_quantised_file_hold_its_codes_and_factors(quantised):
    model, mapping = quantised_model(), quantised.mapping(TINY)
    assert {m.bits for m in mapping.matrices} == {3, 4, 5, 6}
    seen = dict.fromkeys(model.matrices, 0)
    for die in range(len(mapping.dies)):
        job = replace(quantised, die=die)
        assert not dies.build_die(job)["reused"]
        assert dies_check.check_die(job)["faults"] == []
        rows = dies_check.all_rows(
            dies_check.read_die(dies.die_paths(dies.Path(job.folder), die)[0], dies_check.die_plan(TINY)),
            TINY,
        )
        banks = dies_check.bank_bits(rows, TINY.rom, range(TINY.rom.banks))  # [word line, bank, bit line]
        places = np.indices((TINY.rom.banks, TINY.rom.word_lines, TINY.rom.bit_lines)).reshape(3, -1)
        w = mapping.weight(die, *places)
        bit = banks[places[1], places[0], places[2]].astype(np.int64)
        for n, (name, m) in enumerate(model.matrices.items()):
            here = w.matrix == n
            seen[name] += int(here.sum())
            at = here & (w.column >= 0)
            flat = w.output[at] * m.codes.shape[1] + w.column[at]
            got = np.bincount(flat, bit[at] << w.bit[at], minlength=m.codes.size).astype(np.int64)
            there = np.bincount(flat, minlength=m.codes.size) > 0
            want = m.codes.ravel().astype(np.int64)
            want = want & 15 if m.bits < 5 else (want >> 3 & 15) | (want & 7) << 4
            np.testing.assert_array_equal(got[there], want[there])
    # Every bit that the model has is there, and is what the plan counts.
    assert seen == {m.name: m.used_bits for m in mapping.matrices}


def test_a_plan_counts_the_bits_of_a_quantised_file_exactly(quantised):
    model, mapping = quantised_model(), quantised.mapping(TINY)
    forms = quantised.source().forms
    plan = make_plan("m", SHAPE, load_planned("slot"), 8, forms)
    bits = sum(plan.line(n) for n in ("weight bits", "factor bits"))
    assert bits == sum(m.used_bits for m in mapping.matrices)
    nominal = sum(m.rom_bits() for m in model.matrices.values())
    slots = {3: 4, 4: 4, 5: 8, 6: 8}
    assert bits - nominal == sum(m.codes.size * (slots[m.bits] - m.bits) for m in model.matrices.values())


def test_a_wrong_bit_of_a_factor_is_named(quantised):
    mapping = quantised.mapping(TINY)
    number = 3
    at = mapping.site(number, np.array([5]), np.array([FACTOR]), np.array([2]))
    job = replace(quantised, die=int(at.die[0]))
    dies.build_die(job)
    rows = dies.quantise_die(mapping, job.die, job.source()).rows
    row = int((at.bank[0] * 64 + at.word_line[0]) * 2 + at.bit_line[0] % 2)
    rows[row, at.bit_line[0] // 16] ^= 1 << int(at.bit_line[0]) // 2 % 8
    dies.write_die(dies.die_paths(dies.Path(job.folder), job.die)[0], rows, dies.site_map(TINY), 3)
    faults = dies_check.check_die(job)["faults"]
    name = mapping.matrices[number].name
    assert faults[0].endswith(f"is wrong: {name} output 5 factor bit 2")
    assert f"{name}: factors differ" in faults


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda m: replace(m, codes=m.codes[:-1], scale=m.scale[:-1]), "has shape"),
        (lambda m: replace(m, scale=-m.scale), "scale is not positive"),
    ],
)
def test_a_damaged_quantised_file(quantised, damage, says):
    model = quantised_model()
    wrong = {n: damage(m) if n == "embed" else m for n, m in model.matrices.items()}
    replace(model, matrices=wrong).save(dies.Path(quantised.path))
    error = dies.build_die(quantised)["error"]
    assert "not a quantised model, or damaged" in error["what"]
    assert says in error["what"]


def test_what_is_no_quantised_file(quantised):
    dies.Path(quantised.path).write_bytes(b"nonsense")
    assert "not a quantised model" in dies.build_die(quantised)["error"]["what"]
