import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GAP, stripLayout } from '../../explorer/ui/web/strip_layout.js';

test('a strip has as few rows as possible of pictures that are large enough to be seen', () => {
  assert.deepEqual(stripLayout(11, 800), { columns: 11, size: 64 });
  assert.deepEqual(stripLayout(6, 343), { columns: 6, size: 53 });
  assert.deepEqual(stripLayout(13, 343), { columns: 7, size: 45 }); // two rows: 7 and 6
  assert.deepEqual(stripLayout(33, 343), { columns: 9, size: 34 }); // four rows
});

test('every strip fits its width, and all its rows are as long as the others but the last', () => {
  for (let width = 160; width < 1500; width += 37) {
    for (let n = 1; n <= 33; n += 1) {
      const { columns, size } = stripLayout(n, width);
      const rows = Math.ceil(n / columns);
      assert.ok(size >= 32 && columns * (size + GAP) - GAP <= width, `${n} in ${width}`);
      assert.ok(rows * columns - n < rows, `${n} in ${width}: a row is nearly empty`);
    }
  }
});
