// What a column of a blotter is: one exact text a row, by which it is searched, exported
// and, if nothing else is said, sorted and shown.
import type { ReactNode } from 'react';
import { Side } from '../../../gen/todoku/v1/types_pb';
import { compare, decimal } from '../../../shared/decimal';

export interface Column<R> {
  id: string;
  title: string;
  /** Exact, and the same in every place and zone. */
  value: (row: R) => string;
  /** What is shown, where that is something else. */
  cell?: (row: R) => ReactNode;
  /** Numbers are right-aligned and sorted as such; dates as they are written. */
  kind?: 'number' | 'actions';
  /** Pixels, until somebody changes it. */
  width: number;
  /** Shown only when somebody asks for it. */
  hidden?: boolean;
  /** May be out of date while the connection is. */
  live?: boolean;
}

/** Orders texts as numbers, exactly; what is none comes last when rising. */
export function byNumber(a: string, b: string): number {
  if (a === '' || b === '') return a === b ? 0 : a === '' ? 1 : -1;
  return compare(decimal(a), decimal(b));
}

export function byText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** What the toolbar above a blotter asks for. */
export interface Filter {
  /** All words must be in a row, in any of its columns. */
  text: string;
  side: Side;
  symbol: string;
}

export const everything: Filter = { text: '', side: Side.UNSPECIFIED, symbol: '' };

/** How text is compared: no difference of case or of width. */
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

/** When something happened, for files: UTC. */
export const utc = (ms: number): string => (ms > 0 ? new Date(ms).toISOString() : '');
