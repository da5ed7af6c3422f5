// The parts of a cursor that a screen uses: epoch:sequence.

/** The sequence in a cursor; -1 before there is one. */
export function sequenceOf(cursor: string): number {
  return cursor === '' ? -1 : Number(cursor.slice(cursor.lastIndexOf(':') + 1));
}

/**
 * Whether a stream at the cursor `held` has delivered what is at `wanted`. Also true when the
 * epochs differ: a journal of another epoch will never deliver it.
 */
export function hasReached(held: string, wanted: string): boolean {
  if (held === '') return false;
  return epochOf(held) !== epochOf(wanted) || sequenceOf(held) >= sequenceOf(wanted);
}

function epochOf(cursor: string): string {
  return cursor.slice(0, cursor.lastIndexOf(':'));
}
