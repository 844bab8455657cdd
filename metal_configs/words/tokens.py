"""The tokenizer of the model `words`: one token a letter."""

__all__ = ["build_tokenizer"]

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, processors

from metal_configs.words import corpus


def build_tokenizer() -> Tokenizer:
    """`<s>`=0, `</s>`=1, a..z=2..27; encoding prepends `<s>`, decoding joins letters."""
    vocab = {"<s>": corpus.BOS, "</s>": corpus.EOS} | {c: i + 2 for i, c in enumerate(corpus.LETTERS)}
    tok = Tokenizer(models.WordLevel(vocab, unk_token="</s>"))
    tok.pre_tokenizer = pre_tokenizers.Split(Regex("."), "isolated")
    tok.decoder = decoders.Fuse()
    tok.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", corpus.BOS)])
    tok.add_special_tokens(["<s>", "</s>"])
    return tok
