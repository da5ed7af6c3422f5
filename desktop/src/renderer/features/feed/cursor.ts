// Cursors, so far as a screen looks into them: epoch:sequence.

/** The sequence in a cursor; -1 before there is one. */
export function sequenceOf(cursor: string): number {
  return cursor === '' ? -1 : Number(cursor.slice(cursor.lastIndexOf(':') + 1));
}

/**
 * Whether a stream that is at `held` has told what is at `wanted`. Another history has
 * nothing of it to tell any more.
 */
export function hasReached(held: string, wanted: string): boolean {
  if (held === '') return false;
  return epochOf(held) !== epochOf(wanted) || sequenceOf(held) >= sequenceOf(wanted);
}

function epochOf(cursor: string): string {
  return cursor.slice(0, cursor.lastIndexOf(':'));
}
