// A column of a blotter has one exact text for each row, which is searched and exported, and
// also sorted and shown unless the column defines something else.
import type { ReactNode } from 'react';
import { Side } from '../../../gen/todoku/v1/types_pb';
import { compare, decimal } from '../../../shared/decimal';

export interface Column<R> {
  id: string;
  title: string;
  /** Exact, and independent of language and time zone. */
  value: (row: R) => string;
  /** What is shown instead of the text. */
  cell?: (row: R) => ReactNode;
  /** Numbers are right-aligned and sorted as such; dates as they are written. */
  kind?: 'number' | 'actions';
  /** The default width in pixels. */
  width: number;
  /** Hidden by default. */
  hidden?: boolean;
  /** May be out of date while the connection is. */
  live?: boolean;
}

/** Compares texts as exact numbers; what is not a number comes last in rising order. */
export function byNumber(a: string, b: string): number {
  if (a === '' || b === '') return a === b ? 0 : a === '' ? 1 : -1;
  return compare(decimal(a), decimal(b));
}

export function byText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The filters of the toolbar above a blotter. */
export interface Filter {
  /** All words must be in a row, in any of its columns. */
  text: string;
  side: Side;
  symbol: string;
}

export const everything: Filter = { text: '', side: Side.UNSPECIFIED, symbol: '' };

/** Normalizes text for comparison: case and character width do not matter. */
const folded = (text: string): string => text.normalize('NFKC').toLowerCase();

/** Whether a row passes; texts are those of its columns. */
export function passes({ text, side, symbol }: Filter, row: { side: Side; symbol: string }, texts: () => readonly string[]): boolean {
  if (side !== Side.UNSPECIFIED && row.side !== side) return false;
  if (symbol !== '' && row.symbol !== symbol) return false;
  const words = folded(text).split(/\s+/).filter(Boolean);
  if (words.length === 0) return true;
  const all = folded(texts().join('\n'));
  return words.every((word) => all.includes(word));
}

/** A time in UTC, for files. */
export const utc = (ms: number): string => (ms > 0 ? new Date(ms).toISOString() : '');
