import pytest

from base_chip.config import known_bases, load_base, parse_base
from rtl_gen.errors import ExitCode, FlowError
from tests.edits import edited


def text(**changes: object) -> str:
    """The nano config as YAML, with fields (`a.b` as `a__b`) replaced; None removes one."""
    base = load_base("nano")
    data = {
        "name": base.name,
        "pdk": base.pdk,
        "program_layers": [list(p) for p in base.program_layers],
        "limits": dict(vars(base.limits)),
        "engine": dict(vars(base.engine)),
        "rom": dict(vars(base.rom)),
        "floorplan": {"die": list(base.floorplan.die), "banks": [list(p) for p in base.floorplan.banks]},
        "hardening": {
            "core": [list(p) for p in base.hardening.core],
            "density": base.hardening.density,
            "target_ns": base.hardening.target_ns,
            "signoff_ns": dict(base.hardening.signoff_ns),
        },
    }
    return edited(data, **changes)


def test_nano():
    base = load_base("nano")
    assert base.program_layers == ((69, 44),)
    assert base.rom.rows == 2048
    assert base.rom.bit_lines == 128
    assert parse_base(text(), where="copy").digest() == base.digest()


def test_unknown_base_is_usage_and_lists_known_ones():
    with pytest.raises(FlowError, match="nano") as e:
        load_base("giga")
    assert e.value.code == ExitCode.USAGE
    assert known_bases() == sorted(known_bases())


@pytest.mark.parametrize("name", ["../nano", "", "nano.yaml"])
def test_a_name_is_not_a_path(name):
    with pytest.raises(FlowError):
        load_base(name)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"limits__dim": None}, ["limits.dim", "missing"]),
        ({"limits__dim": 0}, ["limits.dim", "0", "at least 1"]),
        ({"limits__dim": True}, ["limits.dim", "True"]),
        ({"limits__dim": "32"}, ["limits.dim", "'32'"]),
        ({"limits__size": 3}, ["limits.size", "known: dim"]),
        ({"colour": "red"}, ["colour"]),
        ({"engine": [1]}, ["engine", "mapping"]),
        ({"program_layers": [[69]]}, ["program_layers[0] is [69]", "a list of 2"]),
        ({"program_layers": [[69, "x"]]}, ["program_layers[0][1]", "'x'"]),
        ({"rom__bits": 60}, ["rom.bits", "60", "64"]),
        ({"rom__banks": 3}, ["floorplan.banks", "4 origins", "3"]),
        ({"floorplan__banks": [[0, -1], [1, 1]]}, ["floorplan.banks[0]", "-1"]),
        ({"floorplan__banks": [[0, 0.001], [1, 1]]}, ["floorplan.banks[0]", "0.005"]),
        ({"floorplan__banks": [[240, 20], [20, 20], [400, 20], [600, 20]]}, ["floorplan.banks", "lowest"]),
        ({"floorplan__die": [1, 2, 3]}, ["floorplan.die"]),
        ({"hardening__core": [[0, 0], [900, 700]]}, ["hardening.core", "inside the die, 825.24 x 824.16 um"]),
        ({"hardening__core": [[9, 9]]}, ["hardening.core is [[9, 9]]", "a list of 2, each a list of 2"]),
        ({"hardening__density": 1.2}, ["hardening.density", "1.2", "at most 1"]),
        ({"hardening__target_ns": 0}, ["hardening.target_ns", "above 0"]),
        ({"hardening__signoff_ns": {"slow": -1}}, ["hardening.signoff_ns.slow", "-1"]),
        (
            {"hardening__signoff_ns": []},
            ["hardening.signoff_ns", "a mapping, each value a number above 0 (ns)"],
        ),
        ({"pdk": 130}, ["pdk", "130"]),
        ({"pdk": ""}, ["pdk", "text, not empty"]),
        ({"hardening__density": float("nan")}, ["hardening.density is nan"]),
        ({"hardening__target_ns": float("inf")}, ["hardening.target_ns is inf"]),
    ],
)
def test_bad_fields_are_named(changes, words):
    with pytest.raises(FlowError) as e:
        parse_base(text(**changes), where="my.yaml")
    assert e.value.code == ExitCode.BAD_INPUT
    for word in ["my.yaml", *words]:
        assert word in str(e.value)


@pytest.mark.parametrize("bad", ["", "- 1", "{", "name: [", "\t"])
def test_not_a_config(bad):
    with pytest.raises(FlowError, match=r"my\.yaml"):
        parse_base(bad, where="my.yaml")
