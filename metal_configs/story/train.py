"""Train the built-in model `story`: `python -m metal_configs.story.train --text FOLDER --out FOLDER`.

Dim 64, 5 layers, 8 heads, 4 key/value heads, 512 tokens: about the shape of llama2.c's smallest model. Needs
the extra `train` (PyTorch) and the text that `corpus` names; `words.train` has the optimiser. It is trained
in floats alone, so it shows what rounding costs a model that was not made for it. The same seed gives
the same weights on one machine.
"""

__all__ = ["build_tokenizer", "main"]

import argparse
import json
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

from metal_configs.story import corpus
from metal_configs.words.net import Options
from metal_configs.words.train import options, save, train

BOS, EOS = 0, 1
DEFAULTS = Options(
    dim=64, layers=5, heads=8, kv_heads=4, head_dim=8, hidden=160, vocab=512, context=256,
    rope_theta=10000.0, warm=100, hold=1900, steps=300, qat_steps=0, batch=8,
)  # fmt: skip
LISTED = 40  # texts in each of calibration.txt and heldout.txt, evenly spread


def build_tokenizer(texts: list[str], vocab: int) -> Tokenizer:
    """Byte-level BPE learnt from the texts; encoding prepends `<s>`."""
    tok = Tokenizer(models.BPE())
    tok.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tok.decoder = decoders.ByteLevel()
    bytes_ = sorted({c for t in texts for piece, _ in tok.pre_tokenizer.pre_tokenize_str(t) for c in piece})
    tok.train_from_iterator(
        texts,
        trainers.BpeTrainer(
            vocab_size=vocab, special_tokens=["<s>", "</s>"], initial_alphabet=bytes_, show_progress=False
        ),
    )
    tok.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", BOS)])
    return tok


def main() -> None:
    """Train with the options of the command line, save, and print the held-out NLL of each stage."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--text", type=Path, required=True, help="where the text's package was unpacked")
    parser.add_argument("--out", type=Path, required=True, help="folder to write the checkpoint to")
    args, o = options(parser, DEFAULTS)
    known, held = corpus.split(corpus.read(args.text))
    tok = build_tokenizer(known, o.vocab)

    def encode(texts: list[str]) -> list[list[int]]:
        return [[*tok.encode(t).ids, EOS][: o.context + 1] for t in texts]

    net, result = train(o, encode(known), encode(held))
    save(net, args.out, tok, BOS, EOS, half=True)
    for name, texts in (("calibration", known), ("heldout", held)):
        some = texts[:: -(-len(texts) // LISTED)]
        (args.out / f"{name}.txt").write_text("\n".join(some) + "\n", encoding="utf-8")
    print(json.dumps({"options": vars(o), "nll": result}))


if __name__ == "__main__":
    main()
