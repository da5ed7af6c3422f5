// Stored settings, filters and CSV files of a table.
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { Side } from '../../../gen/todoku/v1/types_pb';
import { byNumber, everything, passes } from './columns';
import { toCSV } from './csv';
import { defaultLook, readLook, writeLook } from './keep';

/** Reads RFC 4180 with this separator, as a spreadsheet does: a quotation mark inside an unquoted cell is a character. */
function readCSV(text: string, separator = ','): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  let cell = '';
  let quoted = false;
  let begun = false;
  for (let i = 0; i < text.length; i++) {
    const c = text[i]!;
    if (quoted) {
      if (c !== '"') cell += c;
      else if (text[i + 1] === '"') cell += text[++i];
      else quoted = false;
    } else if (c === '"' && !begun) {
      quoted = begun = true;
    } else if (c === separator) {
      row.push(cell);
      [cell, begun] = ['', false];
    } else if (c === '\r' && text[i + 1] === '\n') {
      rows.push([...row, cell]);
      [row, cell, begun] = [[], '', false];
      i++;
    } else {
      cell += c;
      begun = true;
    }
  }
  return rows;
}

const three = [{ title: 'a' }, { title: 'b', kind: 'number' }, { title: 'c' }];
const hostile = ['a,b', 'say "no"', 'two\r\nlines', '届く', '=1+1', '+SUM(A1)', '-cmd', '@x', '\t=1', '-12.50', '+3', '', '１２', 'a;=1+1;b', 'a\t@x', 'x\n=1', '\u200b=1', '\u202e+1', '"";=1+1', ';;-1'];
const cells = fc.array(fc.tuple(...three.map(() => fc.oneof(fc.string(), fc.constantFrom(...hostile)))));

test('a CSV file has every cell unchanged, except for a mark before what would be a formula', () => {
  fc.assert(
    fc.property(cells, (rows) => {
      const text = toCSV(three, rows);
      expect(text.startsWith('\ufeff')).toBe(true);
      const [, ...got] = readCSV(text.slice(1));
      const plainly = (all: string[][]): string[][] => all.map((row) => row.map((cell) => cell.replaceAll("'", '')));
      expect(plainly(got)).toEqual(plainly(rows));
    }),
  );
});

test.each([',', ';', '\t'])('no cell of a CSV file is a formula to a spreadsheet that separates cells by %j', (separator) => {
  fc.assert(
    fc.property(cells, (rows) => {
      for (const cell of readCSV(toCSV(three, rows).slice(1), separator).flat())
        if (/^[\s\p{C}]*[=+\-@＝＋－＠]/u.test(cell)) expect(cell).toMatch(/^[+-][0-9.]+(,|$)/);
    }),
  );
});

test('a CSV file has every text in quotation marks, and numbers exactly as the venue wrote them', () => {
  const price = { title: 'price', kind: 'number' };
  expect(toCSV([price], [['-0.10'], ['151.250'], ['12345678901234567890.00000001'], ['']])).toBe('\ufeff"price"\r\n-0.10\r\n151.250\r\n12345678901234567890.00000001\r\n\r\n');
  expect(toCSV([{ title: 'symbol' }], [['7203'], ['USDJPY'], ['say "no"']])).toBe('\ufeff"symbol"\r\n"7203"\r\n"USDJPY"\r\n"say ""no"""\r\n');
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
