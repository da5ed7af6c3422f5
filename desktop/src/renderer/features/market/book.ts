// A book, and how the updates of one frame change it. Books change more often than all other
// data: a frame copies each book that it changes once. Unchanged levels stay the same objects,
// so that a view renders only changed ones.
import { Side } from '../../../gen/todoku/v1/types_pb';
import { type Decimal, decimal, stepsOf } from '../../../shared/decimal';
import type { ItemBody } from '../feed/items';

export interface Level {
  price: string;
  /** The price in ticks, which is its row on a ladder. */
  ticks: number;
  quantity: string;
  orders: number;
}

export interface Book {
  /** Best first, on both sides. */
  bids: Level[];
  offers: Level[];
  /** Counts the moves of the best prices; an order may name the version it was decided on. */
  version: number;
  /** Changes with every update. */
  sequence: number;
}

export function emptyBook(sequence: number): Book {
  return { bids: [], offers: [], version: 0, sequence };
}

/** The books during one frame: unchanged ones are the same objects as before. */
export class Books {
  readonly #before: Record<string, Book>;
  #after: Record<string, Book> | undefined;
  readonly #copied = new Set<string>();
  readonly #ticks = new Map<string, Decimal>();

  constructor(before: Record<string, Book>) {
    this.#before = before;
  }

  /** All books now; the same object as before if nothing changed. */
  get all(): Record<string, Book> {
    return this.#after ?? this.#before;
  }

  /** Forgets all of them. */
  clear(): void {
    this.#after = {};
    this.#copied.clear();
  }

  /** Replaces a book by an empty one. */
  begin(symbol: string, sequence: number): void {
    (this.#after ??= { ...this.#before })[symbol] = emptyBook(sequence);
    this.#copied.add(symbol);
    this.#ticks.delete(symbol);
  }

  /** Sets one level. */
  update({ symbol, side, level, bookVersion }: ItemBody['bookUpdate'], sequence: number, tickSize: string): void {
    const book = this.#own(symbol);
    book.version = bookVersion;
    book.sequence = sequence;
    if (!level) return;
    let tick = this.#ticks.get(symbol);
    if (!tick) this.#ticks.set(symbol, (tick = decimal(tickSize)));
    // After a change of the tick size, removals may arrive for prices that no longer fit it.
    const ticks = stepsOf(decimal(level.price), tick);
    if (ticks !== undefined) setLevel(side === Side.BUY ? book.bids : book.offers, { ...level, ticks }, side === Side.BUY ? -1 : 1);
  }

  /** Sets the version of the best prices. */
  moved(symbol: string, version: number): void {
    if (this.all[symbol] && this.all[symbol].version !== version) this.#own(symbol).version = version;
  }

  /** The copy of a book that this frame may change. */
  #own(symbol: string): Book {
    const after = (this.#after ??= { ...this.#before });
    const held = after[symbol];
    if (held && this.#copied.has(symbol)) return held;
    this.#copied.add(symbol);
    return (after[symbol] = held ? { ...held, bids: [...held.bids], offers: [...held.offers] } : emptyBook(0));
  }
}

/** Inserts, replaces or removes a level. order is 1 for rising prices, -1 for falling. */
function setLevel(levels: Level[], level: Level, order: 1 | -1): void {
  let low = 0;
  let high = levels.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((levels[middle]!.ticks - level.ticks) * order < 0) low = middle + 1;
    else high = middle;
  }
  const found = levels[low]?.ticks === level.ticks;
  if (level.quantity === '0') {
    if (found) levels.splice(low, 1);
  } else levels.splice(low, found ? 1 : 0, level);
}
