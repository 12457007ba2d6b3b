"""CSV as it comes from the server, cut where rows end."""

from __future__ import annotations

import pytest

from datamart_kedro.sources.copy_stream import whole_rows

CSV = b'1,"a, ""b""\n"\n2,"\n\n"\n3,\n4,"""\n"\n'
ROWS = [b'1,"a, ""b""\n"\n', b'2,"\n\n"\n', b"3,\n", b'4,"""\n"\n']


@pytest.mark.parametrize("size", range(1, len(CSV) + 1))
def test_blocks_of_any_size_become_blocks_of_whole_rows(size: int):
    blocks = list(whole_rows(CSV[start : start + size] for start in range(0, len(CSV), size)))
    assert b"".join(blocks) == CSV
    ends = {sum(len(row) for row in ROWS[:count]) for count in range(1, len(ROWS) + 1)}
    assert {sum(len(block) for block in blocks[:count]) for count in range(1, len(blocks) + 1)} <= ends


def test_a_block_is_handed_on_as_soon_as_a_row_ends():
    assert list(whole_rows(ROWS)) == ROWS


def test_no_blocks_are_no_rows():
    assert list(whole_rows([])) == []
