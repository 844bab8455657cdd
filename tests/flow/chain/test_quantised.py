"""Dies of a quantised file: its codes and factors, counted to the bit, and refused when damaged."""

from dataclasses import asdict, replace

import numpy as np
import pytest

import flow.chain.check as dies_check
import flow.chain.die as dies
from flow.planning import make_plan
from metal_configs.compile.placement import FACTOR
from metal_configs.compile.program.contents import WIDE
from rtl_gen.golden.quantised import QuantMatrix, QuantModel
from rtl_gen.golden.shape import Shape
from tests.tiny_die import TINY

SHAPE = Shape(dim=24, layers=2, heads=2, kv_heads=1, head_dim=8, hidden=40, vocab=30, context=64)
FINAL = (SHAPE.dim, SHAPE.dim)


def quantised_model(seed: int = 1, rotated: bool = True) -> QuantModel:
    """Random codes in every width; a rotated model has a matrix `final`."""
    rng = np.random.default_rng(seed)
    matrices = {}
    sizes = SHAPE.matrices() | ({"final": FINAL} if rotated else {})
    for n, (name, (outputs, inputs)) in enumerate(sizes.items()):
        bits = 8 if name == "final" else (3, 4, 5, 6)[n % 4]
        codes = rng.integers(-(1 << bits - 1), 1 << bits - 1, (outputs, inputs)).astype(np.int8)
        matrices[name] = QuantMatrix(bits, codes, rng.uniform(0.001, 0.1, outputs))
    return QuantModel("m", SHAPE, matrices, np.linspace(-1, 2, SHAPE.dim))


@pytest.fixture
def quantised(tmp_path, monkeypatch) -> dies.DieJob:
    """The first die of a quantised file."""
    for module in (dies, dies_check):
        monkeypatch.setattr(module, "load_die", lambda name: TINY)
    path = tmp_path / "q.safetensors"
    quantised_model().save(path)
    return dies.DieJob(
        "m", str(path), 0, "quantised", asdict(SHAPE), "tiny", 64, 0, "key", str(tmp_path / "dies"),
        quantised=True,
    )  # fmt: skip


@pytest.mark.parametrize("rotated", [True, False])
def test_dies_of_a_quantised_file_hold_its_codes_and_factors(quantised, rotated):
    model = quantised_model(rotated=rotated)
    model.save(dies.Path(quantised.path))
    codes = {n: (m.bits, m.codes) for n, m in model.matrices.items()}
    if not rotated:  # the final norm's weights, a code of 1 or -1 an output
        codes["final"] = 3, np.diag(np.where(model.final_norm < 0, -1, 1)).astype(np.int8)
    placed = quantised.placement(TINY)
    assert len(placed.dies) == 2
    assert {m.name: m.bits for m in placed.matrices} == {n: bits for n, (bits, _) in codes.items()}
    banks = []
    for die in range(len(placed.dies)):
        job = replace(quantised, die=die)
        assert not dies.build_die(job)["reused"]
        assert dies_check.check_die(job)["faults"] == []
        path = dies.die_paths(dies.Path(job.folder), die)[0]
        found = dies_check.read_die(path, dies_check.die_plan(TINY)).banks()
        banks.append(np.unpackbits(found, axis=2, bitorder="little").astype(np.int64))
    total = 0
    for n, m in enumerate(placed.matrices):
        bits, want = codes[m.name]
        at = placed.site(n, *np.indices((*want.shape, bits)))
        bank = TINY.bank(at.row, at.column, at.macro)
        read = np.stack(banks)[at.die, bank, at.word_line, at.bit_line]
        held = (read << np.arange(bits)).sum(2)
        np.testing.assert_array_equal(held, want.astype(np.int64) & (1 << bits) - 1)
        total += int(read.sum())
        at = placed.site(n, np.arange(m.outputs)[:, None], FACTOR, np.arange(16))
        read = np.stack(banks)[at.die, TINY.bank(at.row, at.column, at.macro), at.word_line, at.bit_line]
        total += int(read.sum())
        assert (read.sum(1) > 0).all()
    assert total == sum(int(b.sum()) for b in banks)  # and nothing besides


def test_a_plan_counts_the_bits_of_a_quantised_file_exactly(quantised):
    """Those of its codes, and as they are laid: in digits of 4 bits, for which the die has room."""
    matrices = quantised_model().matrices.values()
    plan = make_plan("m", SHAPE, TINY, 64, quantised.source().forms)
    factors = plan.line("factor bits")
    assert plan.line("code bits") + factors == sum(m.rom_bits() for m in matrices)
    laid = plan.line("bits as laid")
    assert laid + factors == sum(replace(m, bits=WIDE[m.bits]).rom_bits() for m in matrices)
    assert laid > plan.line("code bits")
    assert plan.line("dies") == 1  # a die of one column is planned by its compiler


def test_a_wrong_bit_of_a_factor_is_named(quantised):
    placed = quantised.placement(TINY)
    number = 3
    at = placed.site(number, np.array([5]), np.array([FACTOR]), np.array([2]))
    job = replace(quantised, die=int(at.die[0]))
    dies.build_die(job)
    held = dies.quantise_die(placed, job.die, job.source())
    held.vec[at.column[0], at.macro[0], at.word_line[0], at.bit_line[0] // 8] ^= 1 << int(at.bit_line[0]) % 8
    dies.write_contents(dies.die_paths(dies.Path(job.folder), job.die)[0], held, TINY)
    faults = dies_check.check_die(job)["faults"]
    name = placed.matrices[number].name
    assert faults[0].endswith(f"({name} output 5 factor bit 2) is wrong")
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
