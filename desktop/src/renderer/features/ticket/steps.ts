// How the numbers of a ticket move in steps of the instrument's tick and lot.
import { compare, type Decimal, decimal, digitsOf, format, isZero, multiply, parseDecimal, places, stepFrom } from '../../../shared/decimal';
import type { Instrument } from '../market/slice';

/** A price moved by so many ticks, never below one. fallback is where an empty or wrong one begins. */
export function stepPrice(text: string, { tickSize }: Instrument, steps: number, fallback: string): string {
  const tick = decimal(tickSize);
  return stepped(text, tick, steps, fallback, tick);
}

/** A quantity moved by so many lots within what one order may have. */
export function stepQuantity(text: string, { lotSize, minQuantity, maxQuantity }: Instrument, steps: number): string {
  return stepped(text, decimal(lotSize), steps, minQuantity, decimal(minQuantity), decimal(maxQuantity));
}

function stepped(text: string, step: Decimal, steps: number, fallback: string, least: Decimal, most?: Decimal): string {
  const from = parseDecimal(text);
  const to = from ? stepFrom(from, step, steps) : decimal(fallback);
  const bounded = compare(to, least) < 0 ? least : most && compare(to, most) > 0 ? most : to;
  return format(bounded, digitsOf(step));
}

/** Sizes that an order of this instrument often has: a thousandth, a hundredth and a tenth of the most, in lots. */
export function quickSizes({ lotSize, minQuantity, maxQuantity }: Instrument): string[] {
  const lot = decimal(lotSize);
  const sizes = [1_000n, 100n, 10n].map((share) => {
    const max = decimal(maxQuantity);
    const part = stepFrom({ units: (max.units * 10n ** BigInt(places)) / share, scale: max.scale + places }, lot, 0);
    return compare(part, decimal(minQuantity)) < 0 ? decimal(minQuantity) : part;
  });
  return [...new Set(sizes.map((size) => format(size)))];
}

/** Price times quantity, exactly; undefined while either is empty or invalid. */
export function notional(price: string, quantity: string): string | undefined {
  const [p, q] = [parseDecimal(price), parseDecimal(quantity)];
  return p && q && !isZero(p) && !isZero(q) ? format(multiply(p, q)) : undefined;
}
