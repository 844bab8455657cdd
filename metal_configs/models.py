"""Model names that people can type, and where their files are."""

__all__ = ["KNOWN", "Known", "resolve"]

import difflib
from dataclasses import dataclass
from pathlib import Path

from rtl_gen.errors import ExitCode, FlowError
from rtl_gen.golden.shape import Shape

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Known:
    """A model known by name.

    Attributes:
        title: One line about it.
        shape: Its dimensions, known even where the weights are not here.
        folder: Its checkpoint, for models that come with the package.
    """

    title: str
    shape: Shape
    folder: Path | None = None


KNOWN: dict[str, Known] = {
    "words": Known(
        "invents English-looking words, letter by letter; built in",
        Shape(
            dim=32, layers=2, heads=8, kv_heads=2, head_dim=4, hidden=80, vocab=28, context=16,
            rope_theta=10.0, norm_eps=1e-5, tied=True,
        ),
        HERE / "words",
    ),
    "smollm2-135m": Known(
        "SmolLM2 135M",
        Shape(
            dim=576, layers=30, heads=9, kv_heads=3, head_dim=64, hidden=1536, vocab=49152, context=8192,
            rope_theta=100000.0, norm_eps=1e-5, tied=True,
        ),
    ),
    "llama3.1-8b": Known(
        "Llama 3.1 8B",
        Shape(
            dim=4096, layers=32, heads=32, kv_heads=8, head_dim=128, hidden=14336, vocab=128256,
            context=131072, rope_theta=500000.0, norm_eps=1e-5, tied=False,
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
            hint="Give the folder of its Hugging Face checkpoint instead of the name: "
            "config.json, model.safetensors (or shards with their index), tokenizer.json.",
        )  # fmt: skip
    near = difflib.get_close_matches(name.lower(), KNOWN, 1)
    raise FlowError(
        f"no model and no checkpoint {name!r}" + (f"; did you mean {near[0]!r}?" if near else ""),
        code=ExitCode.USAGE, hint=f"Known models: {', '.join(KNOWN)}; or give the folder of a checkpoint.",
    )  # fmt: skip
