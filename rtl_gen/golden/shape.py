"""The shape of a Llama-family decoder."""

__all__ = ["Shape"]

from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Shape:
    """Dimensions and constants of one decoder, as `config.json` states them.

    `heads` query heads of `head_dim` elements share `kv_heads` key/value heads
    (grouped-query attention). `tied` means that the LM head is the embedding. `rope_factors` divide the
    frequency of each of the head_dim / 2 pairs, as Llama 3.1 does; none for plain RoPE.
    """

    dim: int
    layers: int
    heads: int
    kv_heads: int
    head_dim: int
    hidden: int
    vocab: int
    context: int
    rope_theta: float = 10000.0
    norm_eps: float = 1e-5
    tied: bool = True
    rope_factors: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "rope_factors", tuple(self.rope_factors))  # JSON gives a list
        if self.rope_factors and len(self.rope_factors) != self.head_dim // 2:
            raise ValueError(
                f"{len(self.rope_factors)} RoPE factors, expected one a pair: {self.head_dim // 2}"
            )

    @property
    def q_dim(self) -> int:
        return self.heads * self.head_dim

    @property
    def kv_dim(self) -> int:
        return self.kv_heads * self.head_dim

    @property
    def group(self) -> int:
        """Query heads that share one key/value head."""
        return self.heads // self.kv_heads

    def matrices(self) -> dict[str, tuple[int, int]]:
        """Every weight matrix by name, as (outputs, inputs), in the order of execution."""
        out = {"embed": (self.vocab, self.dim)}
        for n in range(self.layers):
            p = f"layers.{n}."
            out |= {
                p + "q": (self.q_dim, self.dim),
                p + "k": (self.kv_dim, self.dim),
                p + "v": (self.kv_dim, self.dim),
                p + "o": (self.dim, self.q_dim),
                p + "gate": (self.hidden, self.dim),
                p + "up": (self.hidden, self.dim),
                p + "down": (self.dim, self.hidden),
            }
        if not self.tied:
            out["head"] = (self.vocab, self.dim)
        return out

    def to_dict(self) -> dict[str, object]:
        return asdict(self)
