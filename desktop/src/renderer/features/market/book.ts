// A book as a screen holds it, and how one frame's updates change it. Books change more
// often than anything else here: a frame copies each book that it touches once, and
// changes the copy; levels that stay are the same objects before and after, so that a view
// draws only those that changed.
import { Side } from '../../../gen/todoku/v1/types_pb';
import { type Decimal, decimal, stepsOf } from '../../../shared/decimal';
import type { ItemBody } from '../feed/items';

export interface Level {
  price: string;
  /** The price in ticks: where it stands on a ladder. */
  ticks: number;
  quantity: string;
  orders: number;
}

export interface Book {
  /** Best first, on both sides. */
  bids: Level[];
  offers: Level[];
  /** Counts the moves of the best prices; orders may say which they were decided on. */
  version: number;
  /** Changes with every update, so that views know. */
  sequence: number;
}

export function emptyBook(sequence: number): Book {
  return { bids: [], offers: [], version: 0, sequence };
}

/** The books of one frame: as they were, but for what the frame changes. */
export class Books {
  readonly #before: Record<string, Book>;
  #after: Record<string, Book> | undefined;
  readonly #copied = new Set<string>();
  readonly #ticks = new Map<string, Decimal>();

  constructor(before: Record<string, Book>) {
    this.#before = before;
  }

  /** All of them as they are now; the same object as before when nothing changed. */
  get all(): Record<string, Book> {
    return this.#after ?? this.#before;
  }

  /** Forgets all of them. */
  clear(): void {
    this.#after = {};
    this.#copied.clear();
  }

  /** Puts an empty book in the place of the one held. */
  begin(symbol: string, sequence: number): void {
    (this.#after ??= { ...this.#before })[symbol] = emptyBook(sequence);
    this.#copied.add(symbol);
    this.#ticks.delete(symbol);
  }

  /** Takes what rests at one price now. */
  update({ symbol, side, level, bookVersion }: ItemBody['bookUpdate'], sequence: number, tickSize: string): void {
    const book = this.#own(symbol);
    book.version = bookVersion;
    book.sequence = sequence;
    if (!level) return;
    let tick = this.#ticks.get(symbol);
    if (!tick) this.#ticks.set(symbol, (tick = decimal(tickSize)));
    // What went before the tick became another may still be told to be gone.
    const ticks = stepsOf(decimal(level.price), tick);
    if (ticks !== undefined) setLevel(side === Side.BUY ? book.bids : book.offers, { ...level, ticks }, side === Side.BUY ? -1 : 1);
  }

  /** Notes the version that the best prices have now. */
  moved(symbol: string, version: number): void {
    if (this.all[symbol] && this.all[symbol].version !== version) this.#own(symbol).version = version;
  }

  /** The book of a symbol as this frame's own to change. */
  #own(symbol: string): Book {
    const after = (this.#after ??= { ...this.#before });
    const held = after[symbol];
    if (held && this.#copied.has(symbol)) return held;
    this.#copied.add(symbol);
    return (after[symbol] = held ? { ...held, bids: [...held.bids], offers: [...held.offers] } : emptyBook(0));
  }
}

/** Puts a level where it belongs, or takes it out. order is 1 for rising prices, -1 for falling. */
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
