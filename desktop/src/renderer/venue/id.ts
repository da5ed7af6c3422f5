// Names of requests. crypto.randomUUID is missing on pages that came by plain HTTP from
// another machine; random numbers are not.

/** A name that nobody else makes: 128 random bits in hexadecimal. */
export function newId(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
