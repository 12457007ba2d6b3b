"""Draws: functions of the seed, a purpose and a key."""

from __future__ import annotations

import numpy as np
import pytest

from datamart_kedro.sample.draws import Draws, between, exponential, half_gamma, normal, pick, whole

MANY = np.arange(200_000, dtype=np.int64)


def test_a_draw_does_not_depend_on_what_is_drawn_with_it():
    draws = Draws(1)
    alone = draws.uniform("wait", np.array([5], dtype=np.int64), 3)
    assert alone == draws.uniform("wait", np.arange(10, dtype=np.int64), 3)[5]


def test_a_draw_is_the_same_on_every_machine():
    (bits,) = Draws(1).bits("wait", 2)
    # blake2b gives the start, then state = mix(start + key * golden), in plain integers
    assert int(bits) == split_mix(1, "wait", 2)


def split_mix(seed: int, purpose: str, key: int) -> int:
    import hashlib

    start = int.from_bytes(hashlib.blake2b(f"{seed}:{purpose}".encode(), digest_size=8).digest(), "little")
    state = (start + key * 0x9E3779B97F4A7C15) % 2**64
    state = (state ^ state >> 30) * 0xBF58476D1CE4E5B9 % 2**64
    state = (state ^ state >> 27) * 0x94D049BB133111EB % 2**64
    return state ^ state >> 31


@pytest.mark.parametrize(
    "other", [Draws(2).uniform("a", MANY), Draws(1).uniform("b", MANY), Draws(1).uniform("a", MANY + 1)]
)
def test_another_seed_purpose_or_key_gives_unrelated_draws(other):
    assert abs(np.corrcoef(Draws(1).uniform("a", MANY), other)[0, 1]) < 0.01


def test_draws_are_spread_evenly_from_0_to_below_1():
    u = Draws(1).uniform("a", MANY)
    counts, _ = np.histogram(u, bins=100, range=(0, 1))
    assert (u.min() >= 0, u.max() < 1, abs(counts - 2000).max() < 250) == (True, True, True)


def test_distributions_have_their_means_and_variances():
    u, v = Draws(1).uniform("a", MANY), Draws(1).uniform("b", MANY)
    measured = {name: (x.mean(), x.var()) for name, x in {
        "exponential": exponential(u), "half gamma": half_gamma(u, v), "normal": normal(u, v)
    }.items()}  # fmt: skip
    expected = {"exponential": (1, 1), "half gamma": (0.5, 0.5), "normal": (0, 1)}
    for name, moments in expected.items():
        assert measured[name] == pytest.approx(moments, abs=0.02), name


def test_picks_follow_their_weights_and_never_leave_the_list():
    picked = pick(Draws(1).uniform("a", MANY), [3, 0, 1])
    assert np.bincount(picked, minlength=3) / len(MANY) == pytest.approx([0.75, 0, 0.25], abs=0.01)


def test_whole_numbers_stay_below_their_bound():
    u = np.array([0.0, 0.999_999])
    assert (whole(u, 3).tolist(), between(u, 5, 8).tolist()) == ([0, 2], [5, 7])
