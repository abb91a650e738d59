"""Rows that are kept on disk batch by batch."""

from __future__ import annotations

import numpy as np
import pytest

from explorer.evaluation.resumable import resumable_rows


def test_a_batch_that_is_done_is_not_done_again(tmp_path):
    asked = []

    def rows(wanted: range) -> np.ndarray:
        asked.append(wanted)
        if len(asked) == 2:
            raise KeyboardInterrupt
        return np.array(wanted)[:, None] ** 2

    for _ in range(2):
        try:
            got, seconds = resumable_rows(tmp_path / "rows.npz", {"a": 1}, 10, 4, rows, lambda n: None)
        except KeyboardInterrupt:
            continue
    assert asked == [range(4), range(4, 8), range(4, 8), range(8, 10)]
    np.testing.assert_array_equal(got, np.arange(10)[:, None] ** 2)
    assert seconds > 0
    fewer, _ = resumable_rows(tmp_path / "rows.npz", {"a": 1}, 3, 4, rows, lambda n: None)
    np.testing.assert_array_equal(fewer, got[:3])
    resumable_rows(tmp_path / "rows.npz", {"a": 2}, 2, 4, rows, lambda n: None)
    assert asked[4:] == [range(2)]
    (tmp_path / "rows.npz").write_bytes(b"PK")
    with pytest.raises(ValueError, match=r"rows\.npz is damaged; delete it"):
        resumable_rows(tmp_path / "rows.npz", {"a": 2}, 2, 4, rows, lambda n: None)
