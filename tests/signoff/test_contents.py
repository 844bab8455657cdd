"""A ROM taken apart: the model that was compiled into it, and nothing that any wrong bit leaves."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metal_configs.checkpoint import load
from metal_configs.image import build_image
from metal_configs.lower import lower
from metal_configs.models import resolve
from metal_configs.quantise import Policy, quantise
from metal_configs.words import corpus
from rtl_gen.golden.factors import Factors
from rtl_gen.golden.isa import FIELDS as ISA_FIELDS
from rtl_gen.golden.isa import Condition, Instruction, Op
from signoff.contents import check_contents
from signoff.contents.decoder import read_decoder
from signoff.contents.isa import FIELDS, Word, bits_read
from signoff.contents.lowered import compare_integers
from signoff.contents.rows import KINDS, Rows
from tests.rtl_gen.models import SMALL, core_for, random_model

UNTIED = replace(SMALL, tied=False, kv_heads=4)
LONG = replace(SMALL, dim=16, head_dim=4, hidden=40, vocab=30, context=8)


def compiled(shape, seed=1):
    model, core = random_model(shape, seed), core_for(shape)
    return build_image(model, core).bits(), model, core


@pytest.fixture(scope="module")
def words():
    """The built-in model, rounded to nearest: what was quantised, and its integers."""
    quantised = quantise(load(resolve("words")), Policy("rtn"))
    texts = [corpus.encode(w)[:16] for w in corpus.packaged("calibration")[::20]]
    return quantised, lower(quantised, texts)


@pytest.mark.parametrize("shape", [SMALL, UNTIED, LONG], ids=["small", "untied", "long"])
def test_what_was_compiled_is_what_is_read(shape):
    bits, model, core = compiled(shape)
    rows = Rows(bits)
    assert read_decoder(rows, model, core) == []
    weights = sum(
        getattr(layer, n).codes.size * (2 if getattr(layer, n).bits > 4 else 1) * 4
        for layer in model.layers
        for n in ("q", "k", "v", "o", "gate", "up", "down")
    )
    weights += model.embed.codes.size * 8 + (0 if shape.tied else model.head.codes.size * 4)
    assert (rows.kind == KINDS.index("weights")).sum() == weights
    assert set(rows.tables) == {"rsqrt", "recip", "exp2", "rope", "layers.0.silu", "layers.1.silu"}


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_no_wrong_bit_is_overlooked(data):
    shape = data.draw(st.sampled_from([SMALL, UNTIED]))
    bits, model, core = compiled(shape)
    row = data.draw(st.integers(0, len(bits) - 1) | st.integers(0, 250))
    bits[row, data.draw(st.integers(0, 63))] ^= True
    assert read_decoder(Rows(bits), model, core)


def test_another_model_another_end_and_a_cut_rom_are_found():
    bits, model, core = compiled(SMALL)
    assert any("weights of" in f for f in read_decoder(Rows(bits), random_model(SMALL, 2), core))
    ends = replace(model, ends=(2,))
    assert "BRANCH has d = 1, expected 2" in read_decoder(Rows(bits), ends, core)[0]
    assert "where the ROM is not" in read_decoder(Rows(bits[:300]), model, core)[-1]
    assert "behind the ROM" in read_decoder(Rows(bits[:5]), model, core)[-1]
    assert "expected RECEIVE" in read_decoder(Rows(np.zeros_like(bits)), model, core)[0]


def test_a_vector_at_a_wrong_address_is_named():
    bits, model, core = compiled(SMALL)
    row = next(r for r in range(len(bits)) if Word.of(Rows(bits).word(r)).op == Op.TABLE_A)
    bits[row, FIELDS["a"][0]] ^= True
    assert "not layers.0.gate[0]" in read_decoder(Rows(bits), model, core)[0]


def test_fields_lie_where_the_instruction_set_has_them():
    assert {n: w for n, (_, w) in FIELDS.items()} == ISA_FIELDS
    word = Instruction(Op.MIX, rom=65535, a=1023, d=1, n=511, sh=33, imm=255)
    assert Word.of(word.encode()) == (Op.MIX, 65535, 1023, 1, 511, 33, 255)


def test_bits_that_an_instruction_ignores():
    core = core_for(SMALL)

    def ignored(op, **fields):
        mask = bits_read(Word.of(Instruction(op, **fields).encode()), core)
        return {n: ~(mask >> at) & ((1 << w) - 1) for n, (at, w) in FIELDS.items()}

    assert ignored(Op.EMIT) == {n: (1 << w) - 1 if n != "op" else 0 for n, (_, w) in FIELDS.items()}
    matvec = ignored(Op.MATVEC)
    assert (matvec["n"], matvec["d"], matvec["sh"], matvec["imm"]) == (0, 1023, 63, 255)
    assert matvec["rom"] == 65535 - (core.rom.rows - 1)
    assert ignored(Op.MUL)["sh"] == 32
    assert ignored(Op.BRANCH, imm=Condition.END)["d"] == 0
    assert ignored(Op.BRANCH, imm=Condition.ALWAYS)["d"] == 1023
    assert (ignored(Op.BRANCH)["n"] & 3, ignored(Op.BRANCH, n=2)["n"] & 3) == (0, 1)


def test_the_rows_of_the_table(words):
    quantised, model = words
    core = core_for(model.shape)
    bits = build_image(model, core).bits()
    row, control = check_contents(bits, quantised, model, core)
    assert (row.name, row.status, row.count) == ("contents", "pass", 0), row.detail
    assert "rows of program, 1472 rows of weights" in row.detail
    assert (control.name, control.status, control.count) == ("contents_control", "pass", 0), control.reason
    bits[700, 5] ^= True
    row, control = check_contents(bits, quantised, model, core)
    assert (row.status, row.count) == ("fail", 1)
    assert row.reason.startswith("row ")
    assert control.status == "pass"


def test_integers_of_the_built_in_model_mean_its_codes_and_scales(words):
    assert compare_integers(words[1], words[0]) == []


def change_factor(f: Factors) -> Factors:
    mantissa = f.mantissa.copy()
    mantissa[3] += 2
    return replace(f, mantissa=mantissa)


def change_table(t: np.ndarray) -> np.ndarray:
    t = t.copy()
    t[40] += 2
    return t


def in_layer(**parts):
    return lambda m: replace(
        m, layers=(m.layers[0], replace(m.layers[1], **{n: f(m.layers[1]) for n, f in parts.items()}))
    )


def in_tables(name):
    return lambda m: replace(m, tables=replace(m.tables, **{name: change_table(getattr(m.tables, name))}))


CHANGES = {
    "factors of layers.1.o": in_layer(o=lambda y: replace(y.o, factors=change_factor(y.o.factors))),
    "weights of layers.1.up": in_layer(up=lambda y: replace(y.up, codes=y.up.codes[:, ::-1])),
    "table layers.1.silu": in_layer(silu=lambda y: change_table(y.silu)),
    "factors of the head": lambda m: replace(m, head=replace(m.head, factors=change_factor(m.head.factors))),
    "factors of the final norm": lambda m: replace(m, final_gain=change_factor(m.final_gain)),
    "texts end at": lambda m: replace(m, ends=(3,)),
    "table exp2": in_tables("exp2"),
    "table recip": in_tables("recip"),
    "table rsqrt": in_tables("rsqrt"),
    "table rope": lambda m: replace(m, tables=replace(m.tables, rope=change_factor(m.tables.rope))),
}


@pytest.mark.parametrize("what", CHANGES)
def test_integers_that_are_not_the_model_are_found(words, what):
    quantised, model = words
    (fault,) = compare_integers(CHANGES[what](model), quantised)
    assert fault.startswith(what)
