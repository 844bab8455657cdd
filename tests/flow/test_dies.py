"""One die: built once, kept while nothing changes, rebuilt when damaged, and read back."""

import errno
import json
from dataclasses import asdict, replace

import numpy as np
import pytest

import flow.dies as dies
import flow.dies_check as dies_check
from base_chip.planned import load_planned
from flow.cluster import run_all
from flow.plan import make_plan
from metal_configs.multi_die.mapping import STEP
from metal_configs.writer.oasis import OasisFile
from rtl_gen.errors import ExitCode, FlowError
from rtl_gen.golden.quantised import QuantMatrix, QuantModel
from rtl_gen.golden.shape import Shape
from tests.planned_base import TINY

SHAPE = Shape(dim=24, layers=1, heads=2, kv_heads=1, head_dim=8, hidden=40, vocab=30, context=8)


@pytest.fixture
def job(tmp_path, monkeypatch) -> dies.DieJob:
    for module in (dies, dies_check):
        monkeypatch.setattr(module, "load_planned", lambda name: TINY)
    return dies.DieJob(
        "m", "", 1, "SYNTHETIC (seed 1)", asdict(SHAPE), "tiny", 8, 0, "key", str(tmp_path / "dies")
    )


def quantised_model(seed: int = 1) -> QuantModel:
    """Random codes, with and without groups, in every width."""
    rng = np.random.default_rng(seed)
    matrices = {}
    for n, (name, (outputs, inputs)) in enumerate(SHAPE.matrices().items()):
        bits, group = (3, 4, 6)[n % 3], (0, 32, 64)[n % 2 * (1 + n % 3 // 2)]
        codes = rng.integers(-(1 << bits - 1), 1 << bits - 1, (outputs, inputs)).astype(np.int8)
        scale = rng.uniform(0.001, 0.1, outputs)
        steps = rng.integers(1, 64, (outputs, -(-inputs // group))).astype(np.uint8) if group else None
        matrices[name] = QuantMatrix(bits, codes, scale, group, steps)
    return QuantModel("m", SHAPE, matrices, np.ones(SHAPE.dim))


@pytest.fixture
def quantised(job, tmp_path) -> dies.DieJob:
    """The same die of a quantised file."""
    path = tmp_path / "q.safetensors"
    quantised_model().save(path)
    return replace(job, path=str(path), quantised=True)


def files(job: dies.DieJob) -> tuple[bytes, bytes]:
    return tuple(p.read_bytes() for p in dies.die_paths(dies.Path(job.folder), job.die))


def test_a_die_is_built_once_and_read_back(job):
    first = dies.build_die(job)
    assert not first["reused"]
    before = files(job)
    again = dies.build_die(replace(job, threads=2))
    assert again["reused"]
    assert files(job) == before
    found = dies_check.check_die(job)
    assert found["faults"] == []
    assert found["vias"] == first["sites"]["programmed"]
    manifest = json.loads(before[1])
    assert manifest["weights"] == "SYNTHETIC (seed 1)"
    assert manifest["base"]["status"] == "planned, not hardened"


def test_another_folder_and_more_threads_give_the_same_bytes(job, tmp_path):
    dies.build_die(job)
    other = replace(job, folder=str(tmp_path / "other"), threads=3)
    dies.build_die(other)
    assert files(job) == files(other)


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        (lambda oas, manifest: oas.write_bytes(oas.read_bytes()[:-9]), "die_0000.oas is damaged"),
        (lambda oas, manifest: oas.unlink(), "die_0000.oas is missing"),
        (lambda oas, manifest: manifest.write_text("{"), "cannot read the die's manifest"),
        (lambda oas, manifest: manifest.write_text("[]"), "not a die's manifest"),
    ],
)
def test_a_damaged_die_is_built_again_and_says_why(job, damage, why):
    dies.build_die(job)
    before = files(job)
    damage(*dies.die_paths(dies.Path(job.folder), 0))
    again = dies.build_die(job)
    assert not again["reused"]
    assert why in again["why"]
    assert files(job) == before


def test_another_key_builds_again_and_gds_is_added(job):
    dies.build_die(job)
    assert dies.build_die(replace(job, key="other"))["why"] == "made from something else"
    added = dies.build_die(replace(job, key="other", gds=True))
    assert "die_0000.gds" in added["why"]
    assert dies.build_die(replace(job, key="other", gds=True))["reused"]


def test_read_back_refuses_a_damaged_file(job):
    dies.build_die(job)
    path, _ = dies.die_paths(dies.Path(job.folder), 0)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))
    error = dies_check.check_die(job)["error"]
    assert "damaged" in error["what"]
    assert "Build the die again" in error["hint"]
    again = dies.build_die(job)
    assert not again["reused"]
    assert dies_check.check_die(job)["faults"] == []


def test_a_wrong_bit_is_named_by_place_and_by_weight(job):
    """A file that is whole but holds one wrong bit: its hash is right, its content is not."""
    dies.build_die(job)
    path, _ = dies.die_paths(dies.Path(job.folder), 0)
    rows = dies.quantise_die(job.mapping(TINY), 0, job.source()).rows
    rows[50, 2] ^= 4  # row 50, bit 18: the fifth column, third bit
    dies.write_die(path, rows, dies.site_map(TINY), TINY.banks.columns)
    faults = dies_check.check_die(job)["faults"]
    mapping = job.mapping(TINY)
    w = mapping.weight(0, *(np.array([v]) for v in (50 // 128, 50 // 2 % 64, 18 * 2 + 50 % 2)))
    name = mapping.matrices[int(w.matrix[0])].name
    column = "factor" if w.column[0] < 0 else f"input {w.column[0]}"
    assert faults[0] == (
        f"bank 0 WL[25] BL[36] is wrong: {name} output {w.output[0]} {column} bit {w.bit[0]}"
    )
    assert f"{name}: {'factors' if w.column[0] < 0 else 'weights'} differ" in faults
    # Its hash may be right all the same, as when the writer was wrong: it does not count as finished.
    assert not dies.build_die(job)["reused"]
    assert dies_check.check_die(job)["faults"] == []


def test_the_control_finds_its_planted_vias_and_misses_none(job, monkeypatch):
    dies.build_die(job)
    job = replace(job, control=True)
    assert dies_check.check_die(job)["missed"] == []
    # A reader that always says what it said first sees no planted via.
    real, first = dies_check.read_die, []

    def blind(path, plan, threads=1):
        first.append(real(path, plan, threads))
        return first[0]

    monkeypatch.setattr(dies_check, "read_die", blind)
    assert len(dies_check.check_die(job)["missed"]) == 2
    assert not [p for p in dies.Path(job.folder).iterdir() if p.name.startswith(".")]


def test_dies_of_a_quantised_file_hold_its_codes_factors_and_steps(quantised):
    model, mapping = quantised_model(), quantised.mapping(TINY)
    assert {m.group for m in mapping.matrices} == {0, 32, 64}
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
            for group in range(0 if m.steps is None else m.steps.shape[1]):
                at = here & (w.column == STEP - group)
                got = np.bincount(w.output[at], bit[at] << w.bit[at], minlength=len(m.codes))
                whole = np.bincount(w.output[at], minlength=len(m.codes)) == 6
                np.testing.assert_array_equal(got[whole], m.steps[whole, group])
            at = here & (w.column >= 0)
            flat = w.output[at] * m.codes.shape[1] + w.column[at]
            got = np.bincount(flat, bit[at] << w.bit[at], minlength=m.codes.size).astype(np.int64)
            there = np.bincount(flat, minlength=m.codes.size) > 0
            want = m.codes.ravel().astype(np.int64)
            want = want & 15 if m.bits < 6 else (want >> 3 & 15) | (want & 7) << 4
            np.testing.assert_array_equal(got[there], want[there])
    # Every bit that the model has is there, and is what the plan counts.
    assert seen == {m.name: m.used_bits for m in mapping.matrices}


def test_a_plan_counts_the_bits_of_a_quantised_file_exactly(quantised):
    model, mapping = quantised_model(), quantised.mapping(TINY)
    forms = quantised.source().forms
    plan = make_plan("m", SHAPE, load_planned("slot"), 8, forms)
    bits = sum(plan.line(n) for n in ("weight bits", "factor bits", "step bits"))
    assert bits == sum(m.used_bits for m in mapping.matrices)
    nominal = sum(m.rom_bits() for m in model.matrices.values())
    slots = {3: 4, 4: 4, 6: 8}
    assert bits - nominal == sum(m.codes.size * (slots[m.bits] - m.bits) for m in model.matrices.values())


def test_a_wrong_bit_of_a_step_is_named(quantised):
    mapping = quantised.mapping(TINY)
    number = next(n for n, m in enumerate(mapping.matrices) if m.groups > 1)
    at = mapping.site(number, np.array([5]), np.array([STEP - 1]), np.array([2]))
    job = replace(quantised, die=int(at.die[0]))
    dies.build_die(job)
    rows = dies.quantise_die(mapping, job.die, job.source()).rows
    row = int((at.bank[0] * 64 + at.word_line[0]) * 2 + at.bit_line[0] % 2)
    rows[row, at.bit_line[0] // 16] ^= 1 << int(at.bit_line[0]) // 2 % 8
    dies.write_die(dies.die_paths(dies.Path(job.folder), job.die)[0], rows, dies.site_map(TINY), 3)
    faults = dies_check.check_die(job)["faults"]
    name = mapping.matrices[number].name
    assert faults[0].endswith(f"is wrong: {name} output 5 step of group 1 bit 2")
    assert f"{name}: steps differ" in faults


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


def test_a_die_of_another_base_is_refused(job, monkeypatch):
    dies.build_die(job)
    monkeypatch.setattr(dies_check, "load_planned", lambda name: replace(TINY, context=9))
    error = dies_check.check_die(job)["error"]
    assert "the die was made for base tiny" in error["what"]
    dies.build_die(job)
    monkeypatch.setattr(dies, "load_planned", lambda name: replace(TINY, context=9))
    again = dies.build_die(job)
    assert not again["reused"]
    assert again["why"] == "made for another tiny"


def test_a_full_disk_is_said_and_earlier_dies_stay(job, monkeypatch):
    dies.build_die(job)
    before = files(job)

    def full(*args):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(OasisFile, "close", full)
    error = dies.build_die(replace(job, die=0, folder=job.folder + "2"))["error"]
    assert error["code"] == ExitCode.OUTPUT
    assert "No space left on device" in error["what"]
    assert files(job) == before


class _Future:
    def __init__(self, result=None, error=None):
        self.status = "error" if error else "finished"
        self._result, self._error = result, error

    def result(self):
        return self._result

    def exception(self):
        return self._error


class _Client:
    """Stands for Dask's: each job is what its future gives."""

    def submit(self, task, job, **options):
        return job


def test_failed_jobs_are_raised_after_all_others_are_there(monkeypatch):
    import distributed
    from distributed.scheduler import KilledWorker

    monkeypatch.setattr(distributed, "as_completed", iter)
    told = {"what": "the disk is full", "where": "x", "hint": "h", "code": 6}
    jobs = [
        _Future({"error": told}),
        _Future({"die": 1}),
        _Future(error=OSError("gone")),
        _Future({"die": 3}),
    ]
    got = []
    results = run_all(_Client(), None, jobs, lambda j: "job")
    with pytest.raises(FlowError, match="the disk is full") as e:
        got.extend(r["die"] for r in results)
    assert got == [1, 3]
    assert "(1 more failed)" in str(e.value)
    assert e.value.code == ExitCode.OUTPUT
    killed = KilledWorker("die 1", None, 3)
    with pytest.raises(FlowError, match=r"(?s)its workers were ended.*Finished dies are kept"):
        list(run_all(_Client(), None, [_Future(error=killed)], lambda j: "die 1"))
    with pytest.raises(FlowError, match="die 1: failed 4 times: OSError: gone"):
        list(run_all(_Client(), None, [_Future(error=OSError("gone"))], lambda j: "die 1"))
