// How long to wait before connecting again: with full jitter, so that a thousand screens that
// were disconnected together do not reconnect together.

const firstMs = 200;
const mostMs = 10_000;

/** A delay in ms for the n-th attempt in a row, from 0. random is in [0, 1). */
export function backoff(attempt: number, random: number): number {
  return random * Math.min(mostMs, firstMs * 2 ** Math.min(attempt, 16));
}

/** A stream that lived this long, ms, resets the number of attempts. */
export const healthyMs = 60_000;
