"""How tokens travel between a host and its dies."""

__all__ = ["SPREAD", "from_bytes", "to_bytes"]

SPREAD = 3  # bytes of a token of a chain whose embedding is cut: the high one, the low one, the high one


def to_bytes(token: int, count: int) -> bytes:
    """A token as so many bytes.

    With three the high byte is also the first, as it says which die has the token: that die tests it before
    it takes the others.

    Args:
        token: Of 16 bits.
        count: 1 or 2, the lowest first; or `SPREAD`.
    """
    if count == SPREAD:
        high, low = token.to_bytes(2, "big")
        return bytes([high, low, high])
    return token.to_bytes(count, "little")


def from_bytes(data: bytes) -> int:
    """The token that `to_bytes` made these of."""
    return int.from_bytes(data[1:] if len(data) == SPREAD else data, "little")
