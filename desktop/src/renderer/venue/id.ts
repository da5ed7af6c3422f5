// Ids of requests. crypto.randomUUID does not exist on pages served by plain HTTP from
// another machine; getRandomValues does.

/** A unique id: 128 random bits in hexadecimal. */
export function newId(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
