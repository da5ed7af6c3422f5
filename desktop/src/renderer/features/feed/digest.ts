// The digest of an account over its working orders and positions, as docs/protocol.md defines
// it: the screen compares it with the venue's.

const word = (x: bigint): bigint => BigInt.asUintN(64, x);

function mix(x: bigint): bigint {
  let y = word((x ^ (x >> 30n)) * 0xbf58476d1ce4e5b9n);
  y = word((y ^ (y >> 27n)) * 0x94d049bb133111ebn);
  return y ^ (y >> 31n);
}

function hash(kind: bigint, name: bigint, sequence: number): bigint {
  return mix(word(mix(word(name + kind * 0x9e3779b97f4a7c15n)) + BigInt(sequence)));
}

function fnv(text: string): bigint {
  let h = 0xcbf29ce484222325n;
  for (const byte of new TextEncoder().encode(text)) h = word((h ^ BigInt(byte)) * 0x100000001b3n);
  return h;
}

export function orderHash(order: { orderId: string; sequence: number }): bigint {
  return hash(1n, BigInt(order.orderId), order.sequence);
}

export function positionHash(position: { account: string; symbol: string; sequence: number }): bigint {
  return hash(2n, fnv(`${position.account} ${position.symbol}`), position.sequence);
}

export interface Holdings {
  orders: Iterable<{ orderId: string; account: string; sequence: number }>;
  positions: Iterable<{ account: string; symbol: string; sequence: number }>;
}

/** The accounts whose digest differs from the venue's; "" stands for all accounts together. */
export function divergent(holdings: Holdings, digests: readonly { account: string; digest: string }[]): string[] {
  const all = digests.length === 1 && digests[0]?.account === '';
  const sums = new Map<string, bigint>();
  const add = (account: string, value: bigint): void => {
    const key = all ? '' : account;
    sums.set(key, word((sums.get(key) ?? 0n) + value));
  };
  for (const order of holdings.orders) add(order.account, orderHash(order));
  for (const position of holdings.positions) add(position.account, positionHash(position));
  return digests.filter(({ account, digest }) => (sums.get(account) ?? 0n) !== BigInt(digest)).map(({ account }) => account);
}
