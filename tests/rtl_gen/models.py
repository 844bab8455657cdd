"""Random integer models: any values that the formats allow, to compare hardware and golden model."""

import numpy as np

from rtl_gen.golden.arith import TABLE_SIZE
from rtl_gen.golden.core import CoreConfig
from rtl_gen.golden.factors import Factors
from rtl_gen.golden.params import IntLayer, IntMatrix, IntModel, Tables
from rtl_gen.golden.rom import RomGeometry
from rtl_gen.golden.shape import Shape

SMALL = Shape(dim=8, layers=2, heads=4, kv_heads=2, head_dim=2, hidden=24, vocab=12, context=4, tied=True)


def core_for(shape: Shape, columns: int = 16) -> CoreConfig:
    """The smallest core that holds a shape, with a ROM that is large enough for tests."""
    width = max(shape.dim, shape.q_dim, shape.vocab)
    return CoreConfig(
        name="test",
        columns=columns,
        activations=max(width + 2 * shape.q_dim + shape.kv_dim, width + shape.hidden),
        residual=max(shape.dim, shape.vocab),
        cache=2 * shape.layers * shape.context << (shape.kv_dim - 1).bit_length(),
        context=shape.context,
        vocab=shape.vocab,
        inputs=max(shape.dim, shape.hidden),
        rom=RomGeometry(banks=2, word_lines=256, bits=4 * columns, mux=4),
    )


def random_model(shape: Shape, seed: int, ends: tuple[int, ...] = (1,)) -> IntModel:
    rng = np.random.default_rng(seed)

    def matrix(outputs: int, inputs: int, bits: int, out_rms: float = 40.0) -> IntMatrix:
        half = 1 << (bits - 1)
        codes = rng.integers(-half, half, (outputs, inputs)).astype(np.int8)
        size = 30.0 * np.sqrt(inputs) * half / 1.7
        return IntMatrix(bits, codes, Factors.of(out_rms / size * rng.uniform(0.3, 3, outputs)))

    layers = tuple(
        IntLayer(
            q=matrix(shape.q_dim, shape.dim, 4),
            k=matrix(shape.kv_dim, shape.dim, 3),
            v=matrix(shape.kv_dim, shape.dim, 4),
            o=matrix(shape.dim, shape.q_dim, 4, 1500.0),
            gate=matrix(shape.hidden, shape.dim, 4),
            up=matrix(shape.hidden, shape.dim, int(rng.choice([4, 6]))),
            down=matrix(shape.dim, shape.hidden, 6, 1500.0),
            score_shift=int(rng.integers(3, 7)),
            value_shift=int(rng.integers(6, 9)),
            product_shift=int(rng.integers(5, 8)),
            silu=rng.integers(-128, 128, 256).astype(np.int8),
        )
        for _ in range(shape.layers)
    )
    embed = rng.integers(-32, 32, (shape.vocab, shape.dim)).astype(np.int8)
    angle = rng.uniform(0, 2 * np.pi, (shape.context, shape.head_dim // 2))
    c, s = np.cos(angle), np.sin(angle)
    coefficients = np.stack([c, -s, s, c], axis=-1).reshape(-1) * 2000
    v = (64 + np.arange(TABLE_SIZE) + 0.5) / 64
    tables = Tables(
        rsqrt=np.rint(1800 / np.sqrt(v)).astype(int),
        recip=np.rint(2040 / v).astype(int),
        exp2=np.rint(255 * 2 ** (-np.arange(256) / 16)).astype(np.uint8),
        rope=Factors(np.rint(coefficients).astype(np.int64), np.zeros(len(coefficients), np.int64), 11),
    )
    head_codes = embed if shape.tied else rng.integers(-8, 8, embed.shape).astype(np.int8)
    return IntModel(
        name=f"random{seed}",
        shape=shape,
        embed=IntMatrix(6, embed, Factors.of(rng.uniform(20, 90, shape.vocab))),
        layers=layers,
        head=IntMatrix(6 if shape.tied else 4, head_codes, Factors.of(rng.uniform(0.3, 2, shape.vocab))),
        final_gain=Factors.of(rng.uniform(0.02, 0.1, shape.dim)) if shape.tied else None,
        norm_shift=20,
        final_shift=16,
        norm_init=int(rng.integers(1, 1000)),
        beta_shift=10,
        logit_scale=738.6,
        tables=tables,
        ends=ends,
    )
