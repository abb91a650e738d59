"""Rows of results that are written to disk after every batch."""

from __future__ import annotations

import numpy as np
import pytest

from explorer.evaluation.resumable import resumable_rows


def test_a_finished_batch_is_not_computed_again(tmp_path):
    computed = []

    def rows(numbers: range) -> np.ndarray:
        computed.append(numbers)
        if len(computed) == 2:
            raise KeyboardInterrupt
        return np.array(numbers)[:, None] ** 2

    for _ in range(2):
        try:
            result, seconds = resumable_rows(tmp_path / "rows.npz", {"a": 1}, 10, 4, rows, lambda n: None)
        except KeyboardInterrupt:
            continue
    assert computed == [range(4), range(4, 8), range(4, 8), range(8, 10)]
    np.testing.assert_array_equal(result, np.arange(10)[:, None] ** 2)
    assert seconds > 0
    fewer, _ = resumable_rows(tmp_path / "rows.npz", {"a": 1}, 3, 4, rows, lambda n: None)
    np.testing.assert_array_equal(fewer, result[:3])
    resumable_rows(tmp_path / "rows.npz", {"a": 2}, 2, 4, rows, lambda n: None)
    assert computed[4:] == [range(2)]
    (tmp_path / "rows.npz").write_bytes(b"PK")
    with pytest.raises(ValueError, match=r"rows\.npz is damaged; delete it"):
        resumable_rows(tmp_path / "rows.npz", {"a": 2}, 2, 4, rows, lambda n: None)
