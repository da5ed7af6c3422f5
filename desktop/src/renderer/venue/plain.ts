// Messages as plain data. The store holds no protobuf messages and no bigints, because they do
// not survive developer tools or a JSON round trip.
import type { Duration, Timestamp } from '@bufbuild/protobuf/wkt';

/** A message without protobuf's own fields; 64-bit integers are numbers, times and durations are numbers in ms, texts are harmless. */
export type Plain<T> = T extends bigint
  ? number
  : T extends Timestamp | Duration
    ? number
    : T extends readonly (infer E)[]
      ? Plain<E>[]
      : T extends object
        ? { [K in keyof T as K extends '$typeName' | '$unknown' ? never : K]: Plain<T[K]> }
        : T;

/**
 * Makes plain data of a message. A 64-bit number beyond 2^53 throws RangeError; fields that
 * can be that large are strings, except those that the stream removes before.
 */
export function plain<T>(value: T): Plain<T> {
  return convert(value) as Plain<T>;
}

/**
 * A text of somebody else, in which nothing is invisible and nothing changes the order of the text
 * beside it: control characters (except new line and tab, which pages show as spaces), bidi and
 * zero-width characters become U+FFFD. A joiner inside an emoji stays. Ids of the venue have none of these.
 */
export function harmless(text: string): string {
  return /^[\x20-\x7e]*$/.test(text) ? text : text.replace(invisible, '\ufffd');
}

const invisible = /(?!(?<=\p{Extended_Pictographic}[\ufe0f\p{Emoji_Modifier}]?)\u200d\p{Extended_Pictographic})[\p{Cf}\p{Zl}\p{Zp}]|[^\P{Cc}\n\t]/gu;

/** A duration in ms as a message field; a negative one becomes 0. */
export function duration(ms: number): { seconds: bigint; nanos: number } {
  const whole = Math.max(0, Math.round(ms));
  return { seconds: BigInt(Math.floor(whole / 1000)), nanos: (whole % 1000) * 1_000_000 };
}

function convert(value: unknown): unknown {
  if (typeof value === 'bigint') {
    const n = Number(value);
    if (!Number.isSafeInteger(n)) throw new RangeError(`${value} is too large for an exact number: the limit is 2^53 - 1`);
    return n;
  }
  if (typeof value === 'string') return harmless(value);
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value;
  if (Array.isArray(value)) return value.map(convert);
  const message = value as Record<string, unknown>;
  const type = message['$typeName'];
  if (type === 'google.protobuf.Timestamp' || type === 'google.protobuf.Duration')
    return Number(message['seconds'] as bigint) * 1000 + Math.floor((message['nanos'] as number) / 1e6);
  const out: Record<string, unknown> = {};
  for (const key in message) if (key !== '$typeName' && key !== '$unknown') out[key] = convert(message[key]);
  return out;
}
