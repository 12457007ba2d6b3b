"""Random draws that are functions of the seed, a purpose and a key, and of nothing else.

A draw is a hash of its key (SplitMix64), so that neither the order in which draws are made, nor how many there are, nor
the day on which somebody looks changes any of them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)


class Draws:
    """The draws of one shop.

    Args:
        seed: Another seed, another shop.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def uniform(self, purpose: str, *keys: Ints | int) -> Floats:
        """Numbers from 0 to below 1: one for each element of the keys, broadcast against one another."""
        return (self.bits(purpose, *keys) >> np.uint64(11)).astype(np.float64) * 2.0**-53

    def bits(self, purpose: str, *keys: Ints | int) -> NDArray[np.uint64]:
        """64 random bits for each element of the keys."""
        start = hashlib.blake2b(f"{self.seed}:{purpose}".encode(), digest_size=8).digest()
        state = np.array([int.from_bytes(start, "little")], dtype=np.uint64)
        for key in keys:
            state = _mixed(state + np.atleast_1d(np.asarray(key, dtype=np.int64)).view(np.uint64) * _GOLDEN)
        return state


def _mixed(state: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The finaliser of SplitMix64: each bit of the result depends on all bits of the state."""
    mixed = state ^ (state >> np.uint64(30))
    mixed *= _FIRST
    mixed ^= mixed >> np.uint64(27)
    mixed *= _SECOND
    mixed ^= mixed >> np.uint64(31)
    return mixed


def exponential(u: Floats) -> Floats:
    """Exponential numbers of mean 1."""
    return -np.log1p(-u)


def half_gamma(u: Floats, v: Floats) -> Floats:
    """Gamma numbers of shape 1/2 and scale 1: half the square of a normal one."""
    return np.asarray(exponential(u) * np.cos(2 * np.pi * v) ** 2)


def normal(u: Floats, v: Floats) -> Floats:
    """Standard normal numbers (Box and Muller)."""
    return np.asarray(np.sqrt(2 * exponential(u)) * np.cos(2 * np.pi * v))


def pick(u: Floats, weights: Sequence[float]) -> Ints:
    """Positions in a list of weights, each as often as its weight says."""
    upto = np.cumsum(weights)
    return np.asarray(np.searchsorted(upto, u * upto[-1], side="right"), dtype=np.int64)


def whole(u: Floats, below: Ints | int) -> Ints:
    """Whole numbers from 0 to below a bound."""
    return (u * below).astype(np.int64)


def between(u: Floats, low: float, high: float) -> Ints:
    """Whole numbers from one bound to below another."""
    return (low + u * (high - low)).astype(np.int64)
