// What the stream says, as plain data: one union by type, made from the schema, so that a
// message that is added to it shows up here by itself.
import type { Message } from '../../../gen/todoku/v1/notification_pb';
import { type Plain, plain } from '../../venue/plain';

type Body = Exclude<Message['body'], { case: undefined }>;

type Value<K extends Body['case']> = Extract<Body, { case: K }>['value'];

/** Messages by their type, but for the two whose numbers are more than a number holds. */
export type ItemBody = { [K in Exclude<Body['case'], 'hello' | 'heartbeat'>]: Plain<Value<K>> } & {
  /** Without attachNumber, which the stream keeps to itself. */
  hello: Omit<Plain<Value<'hello'>>, 'attachNumber'>;
  /** Digests are 64-bit numbers in decimal digits. */
  heartbeat: Omit<Plain<Value<'heartbeat'>>, 'digests'> & { digests: { account: string; digest: string }[] };
};

export type ItemType = keyof ItemBody;

/** One message. time is when it was committed, in ms since the epoch; 0 when not said. */
export type Item = { [K in ItemType]: { type: K; sequence: number; index: number; time: number; body: ItemBody[K] } }[ItemType];

export type ItemOf<K extends ItemType> = Extract<Item, { type: K }>;

/** The message as plain data, or undefined for one of a type that this version does not know. */
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
