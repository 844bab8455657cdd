"""The words that the model `words` learns, and how they become tokens.

The source is SCOWL, as Debian's package `wamerican` installs it; LICENSE-SCOWL.txt is its licence. A word is
held out of training when a hash of its letters says so, so the split depends on no order and no random seed.
"""

__all__ = [
    "BOS", "CONTEXT", "DICTIONARY", "EOS", "VOCAB",
    "decode", "encode", "is_held_out", "packaged", "read", "split", "write_lists",
]  # fmt: skip

import hashlib
from pathlib import Path

from rtl_gen.errors import ExitCode, FlowError

BOS, EOS, VOCAB, CONTEXT = 0, 1, 28, 16
DICTIONARY = Path("/usr/share/dict/american-english")
LETTERS = "abcdefghijklmnopqrstuvwxyz"
HERE = Path(__file__).parent


def _hash(word: str) -> int:
    return int.from_bytes(hashlib.sha256(word.encode()).digest()[:8], "big")


def is_held_out(word: str) -> bool:
    """Whether training must not see this word; its hash says so for one word in 20."""
    return _hash(word) % 20 == 0


def read(dictionary: Path = DICTIONARY) -> list[str]:
    """Words of 3 to 14 lower-case letters a-z, each once, in alphabetical order."""
    if not dictionary.is_file():
        raise FlowError(
            "no word list here", where=str(dictionary), code=ExitCode.MISSING_TOOL,
            hint="On Debian or Ubuntu: apt-get install wamerican",
        )  # fmt: skip
    words = set(dictionary.read_text(encoding="utf-8").split())
    return sorted(w for w in words if 3 <= len(w) <= CONTEXT - 2 and set(w) <= set(LETTERS))


def split(words: list[str], calibration: int = 512) -> tuple[list[str], list[str], list[str]]:
    """(train, held out, calibration): one word in 20 is held out; calibration words are train words."""
    held = [w for w in words if is_held_out(w)]
    train = [w for w in words if not is_held_out(w)]
    return train, held, sorted(sorted(train, key=_hash)[:calibration])


def write_lists(folder: Path, words: list[str]) -> None:
    """Write heldout.txt and calibration.txt, for where no dictionary is installed."""
    _, held, calibration = split(words)
    for name, part in (("heldout", held), ("calibration", calibration)):
        note = f"# {len(part)} words of SCOWL by Kevin Atkinson, part `{name}`; licence: LICENSE-SCOWL.txt\n"
        (folder / f"{name}.txt").write_text(note + "\n".join(part) + "\n", encoding="utf-8")


def packaged(name: str) -> list[str]:
    """The committed list `heldout` or `calibration`."""
    lines = (HERE / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    return [w for w in lines if w and not w.startswith("#")]


def encode(word: str) -> list[int]:
    """Token numbers of `<s> word </s>`."""
    return [BOS, *(LETTERS.index(c) + 2 for c in word), EOS]


def decode(tokens: list[int]) -> str:
    """The letters among `tokens`, up to the first `</s>`."""
    out = []
    for t in tokens:
        if t == EOS:
            break
        if t != BOS:
            out.append(LETTERS[t - 2])
    return "".join(out)
