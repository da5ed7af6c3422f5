// Stored settings, filters and CSV files of a table.
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { Side } from '../../../gen/todoku/v1/types_pb';
import { byNumber, everything, passes } from './columns';
import { toCSV } from './csv';
import { defaultLook, readLook, writeLook } from './keep';

/** Reads RFC 4180, as a spreadsheet does. */
function readCSV(text: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  let cell = '';
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    const c = text[i]!;
    if (quoted) {
      if (c !== '"') cell += c;
      else if (text[i + 1] === '"') cell += text[++i];
      else quoted = false;
    } else if (c === '"') quoted = true;
    else if (c === ',') {
      row.push(cell);
      cell = '';
    } else if (c === '\r' && text[i + 1] === '\n') {
      rows.push([...row, cell]);
      [row, cell] = [[], ''];
      i++;
    } else cell += c;
  }
  return rows;
}

test('a CSV file has every cell unchanged, except cells that would be formulas', () => {
  const cell = fc.oneof(fc.string(), fc.constantFrom('a,b', 'say "no"', 'two\r\nlines', '届く', '=1+1', '+SUM(A1)', '-cmd', '@x', '\t=1', '-12.50', '+3', '', '１２'));
  fc.assert(
    fc.property(fc.array(fc.tuple(cell, cell, cell)), (rows) => {
      const text = toCSV(['a', 'b', 'c'], rows);
      expect(text.startsWith('\ufeff')).toBe(true);
      const [, ...got] = readCSV(text.slice(1));
      expect(got).toHaveLength(rows.length);
      for (const [n, row] of rows.entries())
        for (const [m, want] of row.entries()) {
          const has = got[n]![m]!;
          expect(has === want || has === `'${want}`).toBe(true);
          expect(/^\s*[=@＝＠]/.test(has)).toBe(false);
          if (/^[+-]/.test(has)) expect(Number.isNaN(Number(has))).toBe(false);
        }
    }),
  );
});

test('a CSV file has numbers exactly as the venue wrote them', () => {
  expect(toCSV(['price'], [['-0.10'], ['151.250'], ['12345678901234567890.00000001']])).toBe('\ufeffprice\r\n-0.10\r\n151.250\r\n12345678901234567890.00000001\r\n');
});

test('numbers are sorted by value, and empty cells come last', () => {
  expect(['9', '', '10.5', '-3', '10.25'].toSorted(byNumber)).toEqual(['-3', '9', '10.25', '10.5', '']);
});

test('a filter keeps rows that have the side, the symbol and every word', () => {
  const row = { side: Side.BUY, symbol: 'USDJPY' };
  const texts = (): string[] => ['USDJPY', '買', '151.25', 'Working'];
  expect(passes(everything, row, texts)).toBe(true);
  expect(passes({ ...everything, text: 'usd work' }, row, texts)).toBe(true);
  expect(passes({ ...everything, text: '１５１' }, row, texts)).toBe(true);
  expect(passes({ ...everything, text: 'usd gone' }, row, texts)).toBe(false);
  expect(passes({ ...everything, side: Side.SELL }, row, texts)).toBe(false);
  expect(passes({ ...everything, symbol: 'EURUSD' }, row, texts)).toBe(false);
});

test('stored settings of a table are read again; invalid values and removed columns are ignored', () => {
  const look = { widths: { price: 120 }, hidden: ['account'], sorting: [{ id: 'price', desc: true }] };
  const columns = ['price', 'account'];
  expect(readLook(writeLook(look), columns)).toEqual(look);
  expect(readLook(writeLook(look), ['price'])).toEqual({ ...look, hidden: [] });
  for (const text of [null, '', '{', '7', '{"version":2}', '[]']) expect(readLook(text, columns)).toEqual(defaultLook);
  expect(readLook('{"version":1,"widths":{"price":-5,"x":100},"hidden":"price","sorting":[{"id":"price"},null]}', columns)).toEqual(defaultLook);
});
