"""Orthogonal matrices of any order: Hadamard where one is known, times a small random one where not."""

__all__ = ["hadamard", "orthogonal", "sylvester"]

import functools

import numpy as np


def sylvester(order: int) -> np.ndarray:
    """int8 [order, order]: the symmetric Hadamard matrix of a power of two."""
    if order < 1 or order & (order - 1):
        raise ValueError(f"{order} is not a power of two")
    out = np.ones((1, 1), np.int8)
    while len(out) < order:
        out = np.block([[out, out], [out, -out]])
    return out


@functools.cache
def hadamard(order: int) -> np.ndarray | None:
    """int8 [order, order] of 1 and -1, rows orthogonal, by Paley and Sylvester; None if not found."""
    if order in (1, 2):
        return sylvester(order)
    if order % 4 or order < 1:
        return None
    if _is_prime(order - 1):  # order - 1 = 3 mod 4: Paley's first construction
        q = order - 1
        skew = np.zeros((order, order), np.int8)
        skew[0, 1:], skew[1:, 0] = 1, -1
        skew[1:, 1:] = _jacobsthal(q)
        return skew + np.eye(order, dtype=np.int8)
    q = order // 2 - 1
    if q % 4 == 1 and _is_prime(q):  # his second
        conference = np.zeros((q + 1, q + 1), np.int8)
        conference[0, 1:] = conference[1:, 0] = 1
        conference[1:, 1:] = _jacobsthal(q)
        eye = np.eye(q + 1, dtype=np.int8)
        return np.kron(conference, np.array([[1, 1], [1, -1]], np.int8)) + np.kron(
            eye, np.array([[1, -1], [-1, -1]], np.int8)
        )
    half = hadamard(order // 2)
    return None if half is None else np.kron(sylvester(2), half)


def orthogonal(order: int, rng: np.random.Generator) -> np.ndarray:
    """float64 [order, order]: random signs x (the largest Hadamard matrix whose order divides, (x) random).

    All entries have about the same size, so that a rotated vector has no outlier: exactly the same where
    `order` itself has a Hadamard matrix, such as 576 = 16 x 36.
    """
    signs = rng.choice([-1.0, 1.0], order)
    large = next(n for n in range(order, 0, -1) if order % n == 0 and hadamard(n) is not None)
    matrix = hadamard(large)
    assert matrix is not None
    q, r = np.linalg.qr(rng.standard_normal((order // large, order // large)))
    rest = q * np.sign(np.diag(r))  # the factor that does not depend on the library's choice of signs
    return signs[:, None] * np.kron(matrix / np.sqrt(large), rest)


def _is_prime(n: int) -> bool:
    return n > 1 and all(n % d for d in range(2, int(n**0.5) + 1))


def _jacobsthal(q: int) -> np.ndarray:
    """int8 [q, q]: whether i - j is a square modulo the prime q (1), is none (-1), or is 0."""
    kind = np.full(q, -1, np.int8)
    kind[np.arange(1, q) ** 2 % q] = 1
    kind[0] = 0
    result: np.ndarray = kind[(np.arange(q)[:, None] - np.arange(q)) % q]
    return result
