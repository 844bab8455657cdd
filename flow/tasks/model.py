"""The model of a build, with its tokenizer and its texts."""

__all__ = ["Model", "load_model", "open_model", "token_sequences"]

from collections.abc import Callable
from dataclasses import dataclass

from tokenizers import Tokenizer

from flow.request import BuildConfig
from metal_configs import prose
from metal_configs.checkpoint import Checkpoint, load
from metal_configs.checkpoint.tokens import encode
from metal_configs.prompt import prompt_tokens, unknown_characters
from rtl_gen.errors import FlowError
from rtl_gen.untrusted import read_file

LARGEST_TEXT = 256 << 20  # bytes
SHOWN = 12  # characters


@dataclass(frozen=True)
class Model:
    """A checkpoint and what it says about text.

    Attributes:
        begin, end: Tokens that open and close a text; where texts are not opened, an empty one begins with
            the token that closes others, if none is named that opens them.
    """

    checkpoint: Checkpoint
    tokenizer: Tokenizer
    begin: int
    end: int

    def prompt(self, text: str) -> list[int]:
        """Tokens to continue from; see `prompt_tokens`."""
        c = self.checkpoint
        return prompt_tokens(self.tokenizer, text, self.begin, c.opens, c.shape.context)


def load_model(config: BuildConfig) -> Model:
    """The model of a build."""
    return open_model(load(config.model_path, config.model))


def open_model(checkpoint: Checkpoint) -> Model:
    """A checkpoint with its tokenizer; FlowError when it names no opening or closing token."""
    begin = checkpoint.end if checkpoint.begin is None and not checkpoint.opens else checkpoint.begin
    for name, token in (("opens", begin), ("closes", checkpoint.end)):
        if token is None:
            raise FlowError(
                f"no token of the vocabulary is named that {name} a text", where=str(checkpoint.source),
                hint="Name bos_token_id and eos_token_id in config.json, or in the header of the GGUF file.",
            )  # fmt: skip
    assert begin is not None
    assert checkpoint.end is not None
    return Model(checkpoint, checkpoint.tokenizer(), begin, checkpoint.end)


def token_sequences(
    model: Model, name: str, say: Callable[[str], None] = lambda text: None
) -> list[list[int]]:
    """Texts to calibrate or to measure on, cut to the context.

    Those of `<name>.txt` beside the weights, one a line, opened and closed; where there is no such file, the
    packaged English prose, which ends nowhere and is not closed. What the tokenizer does not know of them is
    said.
    """
    c = model.checkpoint
    path = (c.source if c.source.is_dir() else c.source.parent) / f"{name}.txt"
    own = path.is_file()
    try:
        text = read_file(path, LARGEST_TEXT).decode("utf-8-sig").split("\n") if own else prose.lines(name)
    except (OSError, UnicodeDecodeError) as e:
        raise FlowError(
            f"{name} text cannot be read ({e})",
            where=str(path),
            hint="It should hold one text a line, in UTF-8.",
        ) from e
    text = [x for x in (line.rstrip("\r") for line in text) if x and not x.startswith("#")]
    ids = [encode(model.tokenizer, x, str(c.source)) for x in text]
    if unknown := unknown_characters(model.tokenizer, "".join(sorted(set("".join(text))))):
        share = sum(map("".join(text).count, unknown)) / sum(map(len, text))
        some = ", ".join(map(repr, unknown[:SHOWN])) + (" ..." if len(unknown) > SHOWN else "")
        of = path.name if own else f"the packaged {name} prose"
        say(f"{of}: the tokenizer does not know {share:.1%} of its characters: {some}")
    begin, end = [model.begin] * c.opens, [model.end] * own
    return [[*begin, *t, *end][: c.shape.context] for t in ids]
