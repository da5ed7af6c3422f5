// Messages of the stream as plain data: one union by type, derived from the schema, so that a
// new message type is part of it without a change here.
import type { Message } from '../../../gen/todoku/v1/notification_pb';
import { type Plain, plain } from '../../venue/plain';

type Body = Exclude<Message['body'], { case: undefined }>;

type Value<K extends Body['case']> = Extract<Body, { case: K }>['value'];

/** Bodies by message type. Two have 64-bit numbers that do not fit a number. */
export type ItemBody = { [K in Exclude<Body['case'], 'hello' | 'heartbeat'>]: Plain<Value<K>> } & {
  /** Without attachNumber, which only the stream uses. */
  hello: Omit<Plain<Value<'hello'>>, 'attachNumber'>;
  /** Digests are 64-bit numbers in decimal digits. */
  heartbeat: Omit<Plain<Value<'heartbeat'>>, 'digests'> & { digests: { account: string; digest: string }[] };
};

export type ItemType = keyof ItemBody;

/** One message. time is when it was committed, in ms since 1970; 0 when unknown. */
export type Item = { [K in ItemType]: { type: K; sequence: number; index: number; time: number; body: ItemBody[K] } }[ItemType];

export type ItemOf<K extends ItemType> = Extract<Item, { type: K }>;

/** The message as plain data; undefined if this version does not know its type. */
export function itemOf(message: Message): Item | undefined {
  const { body } = message;
  if (body.case === undefined) return undefined;
  return {
    type: body.case,
    sequence: Number(message.sequence),
    index: message.index,
    time: message.time ? plain(message.time) : 0,
    body: plainBody(body),
  } as Item;
}

function plainBody(body: Body): ItemBody[ItemType] {
  switch (body.case) {
    case 'hello': {
      const { attachNumber: _, ...hello } = body.value;
      return plain(hello);
    }
    case 'heartbeat': {
      const { digests, ...heartbeat } = body.value;
      return { ...plain(heartbeat), digests: digests.map(({ account, digest }) => ({ account, digest: String(digest) })) };
    }
    default:
      return plain(body.value);
  }
}
