// Exact decimal arithmetic. Prices, quantities and money are decimal strings on the wire and
// integers with a scale here, as in the venue's engine. They are never floats.

/** A decimal number: units / 10^scale. */
export interface Decimal {
  readonly units: bigint;
  readonly scale: number;
}

/** Decimal places that the venue keeps of a price or quantity. */
export const places = 8;

const longest = 40;
const most = (1n << 63n) - 1n;
const pattern = /^(-?)([0-9]+)(?:\.([0-9]+))?$/;

/**
 * Parses a price or quantity by the venue's own rules, or returns undefined: digits and
 * at most one point, eight places, what 63 bits hold in steps of 1e-8.
 */
export function parseDecimal(text: string): Decimal | undefined {
  if (text.length > longest) return undefined;
  const d = read(text);
  if (!d) return undefined;
  const units = d.scale <= places ? d.units * 10n ** BigInt(places - d.scale) : d.units / 10n ** BigInt(d.scale - places);
  if (d.scale > places && compare({ units, scale: places }, d) !== 0) return undefined;
  if (units > most || units < -most) return undefined;
  return { units, scale: places };
}

function read(text: string): Decimal | undefined {
  const match = pattern.exec(text);
  if (!match) return undefined;
  const [, sign, whole = '', fraction = ''] = match;
  const units = BigInt(whole + fraction);
  return { units: sign === '-' ? -units : units, scale: fraction.length };
}

/**
 * Reads a number that the venue sent, also money with more places than a price; an empty
 * string is zero. Anything else breaks the protocol and throws RangeError.
 */
export function decimal(text: string): Decimal {
  const d = text === '' ? { units: 0n, scale: 0 } : read(text);
  if (!d) throw new RangeError(`not a decimal number: ${JSON.stringify(text)}`);
  return d;
}

function rescale(d: Decimal, scale: number): bigint {
  return d.units * 10n ** BigInt(scale - d.scale);
}

function aligned(a: Decimal, b: Decimal): [bigint, bigint, number] {
  const scale = Math.max(a.scale, b.scale);
  return [rescale(a, scale), rescale(b, scale), scale];
}

export function compare(a: Decimal, b: Decimal): -1 | 0 | 1 {
  const [x, y] = aligned(a, b);
  return x < y ? -1 : x > y ? 1 : 0;
}

export function add(a: Decimal, b: Decimal): Decimal {
  const [x, y, scale] = aligned(a, b);
  return { units: x + y, scale };
}

export function subtract(a: Decimal, b: Decimal): Decimal {
  const [x, y, scale] = aligned(a, b);
  return { units: x - y, scale };
}

export function multiply(a: Decimal, b: Decimal): Decimal {
  return { units: a.units * b.units, scale: a.scale + b.scale };
}

export function isZero(d: Decimal): boolean {
  return d.units === 0n;
}

/** Whether step divides d: the venue's rule for ticks and lots. */
export function isMultiple(d: Decimal, step: Decimal): boolean {
  const [x, y] = aligned(d, step);
  return y !== 0n && x % y === 0n;
}

/** d / step as a number, when step divides it and the result is exact; for positions on a ladder. */
export function stepsOf(d: Decimal, step: Decimal): number | undefined {
  const [x, y] = aligned(d, step);
  if (y === 0n || x % y !== 0n) return undefined;
  const n = Number(x / y);
  return Number.isSafeInteger(n) ? n : undefined;
}

/** n * step. */
export function ofSteps(n: number, step: Decimal): Decimal {
  return { units: BigInt(n) * step.units, scale: step.scale };
}

/** The nearest multiple of step at or below d, then moved by n steps. */
export function stepFrom(d: Decimal, step: Decimal, n: number): Decimal {
  const [x, y, scale] = aligned(d, step);
  let floor = x / y;
  if (x % y !== 0n && x < 0n) floor -= 1n;
  // Between two steps, one step up gives the step above and one step down the step below.
  if (n < 0 && x % y !== 0n) floor += 1n;
  return { units: (floor + BigInt(n)) * y, scale };
}

/** Writes a decimal with at least `digits` digits after the point and no trailing zeros beyond. */
export function format(d: Decimal, digits = 0): string {
  let { units, scale } = d;
  while (scale > digits && units % 10n === 0n) {
    units /= 10n;
    scale -= 1;
  }
  if (scale < digits) {
    units *= 10n ** BigInt(digits - scale);
    scale = digits;
  }
  const sign = units < 0n ? '-' : '';
  const text = (units < 0n ? -units : units).toString().padStart(scale + 1, '0');
  return scale === 0 ? sign + text : `${sign}${text.slice(0, -scale)}.${text.slice(-scale)}`;
}

/** Digits after the point that a tick needs: 0.25 has 2, 5 has 0. */
export function digitsOf(tick: Decimal): number {
  let { units, scale } = tick;
  while (scale > 0 && units % 10n === 0n) {
    units /= 10n;
    scale -= 1;
  }
  return scale;
}

/** Groups the whole part by thousands: 1234567.5 becomes 1,234,567.5. */
export function group(text: string): string {
  const [whole = '', fraction] = text.split('.');
  const grouped = whole.replace(/\B(?=(\d{3})+(?!\d))/g, ',');
  return fraction === undefined ? grouped : `${grouped}.${fraction}`;
}

/** d / by with so many places, rounded half away from zero; by must not be zero. */
export function divide(d: Decimal, by: Decimal, scale: number): Decimal {
  if (by.units === 0n) throw new RangeError('division by zero');
  const up = scale + by.scale - d.scale;
  const over = up > 0 ? d.units * 10n ** BigInt(up) : d.units;
  const under = up < 0 ? by.units * 10n ** BigInt(-up) : by.units;
  const negative = over < 0n !== under < 0n;
  const [x, y] = [over < 0n ? -over : over, under < 0n ? -under : under];
  const units = (2n * x + y) / (2n * y);
  return { units: negative ? -units : units, scale };
}
