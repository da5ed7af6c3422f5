// Exact figures that views derive from market data.
import { add, compare, type Decimal, decimal, format, isZero, subtract } from '../../../shared/decimal';
import type { Level } from './book';

/** last against reference in percent with two places and its sign, rounded half away from zero; undefined without either. */
export function percentChange(last: string, reference: string): string | undefined {
  const [l, r] = [decimal(last), decimal(reference)];
  if (isZero(l) || isZero(r)) return undefined;
  const change = subtract(l, r);
  // Both have the same scale now; the result is in hundredths of a percent.
  const over = change.units * 10_000n * 10n ** BigInt(Math.max(0, r.scale - change.scale));
  const under = r.units * 10n ** BigInt(Math.max(0, change.scale - r.scale));
  const half = under / 2n;
  const units = (over < 0n ? over - half : over + half) / under;
  return `${units > 0n ? '+' : ''}${format({ units, scale: 2 }, 2)}%`;
}

/** The quantity at and before each level. */
export function cumulative(levels: readonly Level[]): string[] {
  let sum: Decimal = { units: 0n, scale: 0 };
  return levels.map(({ quantity }) => {
    sum = add(sum, decimal(quantity));
    return format(sum);
  });
}

/** The largest quantity among levels. */
export function largest(...sides: readonly (readonly Level[])[]): Decimal {
  let most: Decimal = { units: 0n, scale: 0 };
  for (const levels of sides)
    for (const { quantity } of levels) {
      const q = decimal(quantity);
      if (compare(q, most) > 0) most = q;
    }
  return most;
}

/**
 * The quantity of a full bar: the smallest of 1, 2 or 5 times a power of ten that is at least
 * the largest quantity, so that the scale of the bars seldom changes.
 */
export function fullBar(most: Decimal): string {
  const whole = most.units / 10n ** BigInt(most.scale) + 1n;
  let power = 1n;
  while (power * 10n < whole) power *= 10n;
  return String([1n, 2n, 5n, 10n].map((n) => n * power).find((full) => full >= whole) ?? whole);
}

/** The length of a quantity's bar, 0 to 1 in thousandths; a float, for drawing only. */
export function shareOf(quantity: string, full: string): number {
  const [q, f] = [decimal(quantity), decimal(full)];
  if (isZero(f)) return 0;
  const scale = BigInt(Math.max(q.scale, f.scale));
  return Number((q.units * 1_000n * 10n ** (scale - BigInt(q.scale))) / (f.units * 10n ** (scale - BigInt(f.scale)))) / 1_000;
}
