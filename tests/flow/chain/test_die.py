"""One die: built once, kept while nothing changes, rebuilt when damaged, and read back."""

import errno
import json
from dataclasses import asdict, replace

import numpy as np
import pytest
import yaml

import flow.chain.check as dies_check
import flow.chain.die as dies
from base_chip.dies import parse_die
from flow.cluster import run_all
from metal_configs.writer.oasis import OasisFile
from rtl_gen.errors import ExitCode, FlowError
from rtl_gen.golden.shape import Shape
from tests.edits import edited
from tests.tiny_die import TINY, YAML

SHAPE = Shape(dim=24, layers=1, heads=2, kv_heads=1, head_dim=8, hidden=40, vocab=30, context=32)


@pytest.fixture
def job(tmp_path, monkeypatch) -> dies.DieJob:
    for module in (dies, dies_check):
        monkeypatch.setattr(module, "load_die", lambda name: TINY)
    return dies.DieJob(
        "m", "", 1, "SYNTHETIC (seed 1)", asdict(SHAPE), "tiny", 32, 0, "key", str(tmp_path / "dies")
    )


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
    placed = job.placement(TINY)
    held = dies.quantise_die(placed, 0, job.source())
    held.rom[0, 16, 2, 0, 9] ^= 2  # activation 1 of row 9, output 4, bit 2: WL[2], BL[16 * 4 + 4 * 2 + 1]
    dies.write_contents(path, held, TINY)
    faults = dies_check.check_die(job)["faults"]
    w = placed.weight(0, *(np.array([v]) for v in (0, 0, 16, 2, 73)))
    assert w.column[0] == 9 * 2 + 1
    name = placed.matrices[int(w.matrix[0])].name
    assert faults[0] == (
        f"rom 0,0 macro 16 WL[2] BL[73] ({name} output {w.output[0]} input {w.column[0]} bit {w.bit[0]})"
        " is wrong"
    )
    assert f"{name}: weights differ" in faults
    # Its hash may be right all the same, as when the writer was wrong: it does not count as finished.
    assert not dies.build_die(job)["reused"]
    assert dies_check.check_die(job)["faults"] == []


def test_contents_of_two_tiles_exchanged_are_named(job, monkeypatch):
    two = parse_die(edited(yaml.safe_load(YAML), rom__columns=2, die=[2000, 2700]), where="two.yaml")
    for module in (dies, dies_check):
        monkeypatch.setattr(module, "load_die", lambda name: two)
    dies.build_die(job)
    path, _ = dies.die_paths(dies.Path(job.folder), 0)
    held = dies.quantise_die(job.placement(two), 0, job.source())
    assert held.rom[0, :, :, 0].any()
    assert held.rom[0, :, :, 1].any()
    held.rom[...] = held.rom[:, :, :, ::-1].copy()
    dies.write_contents(path, held, two)
    faults = dies_check.check_die(job)["faults"]
    assert faults[0].startswith("rom 0,")
    assert faults[0].endswith("is wrong")
    assert any("weights differ" in fault for fault in faults)


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


def test_sampled_banks_are_those_of_the_die(job):
    dies.build_die(job)
    held = dies.quantise_die(job.placement(TINY), 0, job.source())
    want = np.unpackbits(TINY.lay(held.rom, held.vec).reshape(-1, 256, 16), axis=2, bitorder="little")
    some = [int(TINY.bank(*place)) for place in ((0, 0, 16), (-1, 0, 0))]
    for bank, found in zip(some, dies_check.sampled_bits(job, some), strict=True):
        np.testing.assert_array_equal(found, want[bank])
        assert found.any()


def test_a_die_of_another_base_is_refused(job, monkeypatch):
    dies.build_die(job)
    monkeypatch.setattr(dies_check, "load_die", lambda name: replace(TINY, context=9))
    error = dies_check.check_die(job)["error"]
    assert "the die was made for base tiny" in error["what"]
    dies.build_die(job)
    monkeypatch.setattr(dies, "load_die", lambda name: replace(TINY, context=9))
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
    def __init__(self, result=None, error=None, status="finished"):
        self.status = "error" if error else status
        self._result, self._error = result, error

    def result(self):
        if self._error:
            raise self._error
        return self._result


class _Client:
    """Stands for Dask's: each job is what its future gives."""

    def submit(self, task, job, **options):
        return job


def test_a_result_that_was_lost_with_its_worker_is_waited_for(monkeypatch):
    import distributed

    monkeypatch.setattr(distributed, "as_completed", iter)
    jobs = [_Future({"die": 0}, status="lost"), _Future({"die": 1}, status="pending")]
    assert [r["die"] for r in run_all(_Client(), None, jobs, lambda j: "job")] == [0, 1]


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
