// What the stream says, as plain data: one union by type, made from the schema, so that a
// message that is added to it shows up here by itself.
import type { Message } from '../../../gen/todoku/v1/notification_pb';
import { type Plain, plain } from '../../venue/plain';

type Body = Exclude<Message['body'], { case: undefined }>;

/** Messages by their type. hello's attachNumber is left out: it is more than a number holds. */
export type ItemBody = {
  [K in Body['case']]: K extends 'hello' ? Omit<Plain<Extract<Body, { case: 'hello' }>['value']>, 'attachNumber'> : Plain<Extract<Body, { case: K }>['value']>;
};

export type ItemType = keyof ItemBody;

/** One message. time is when it was committed, in ms since the epoch; 0 when not said. */
export type Item = { [K in ItemType]: { type: K; sequence: number; index: number; time: number; body: ItemBody[K] } }[ItemType];

export type ItemOf<K extends ItemType> = Extract<Item, { type: K }>;

/** The message as plain data, or undefined for one of a type that this version does not know. */
export function itemOf(message: Message): Item | undefined {
  const { body } = message;
  if (body.case === undefined) return undefined;
  const value = body.case === 'hello' ? { ...body.value, attachNumber: 0n } : body.value;
  return {
    type: body.case,
    sequence: Number(message.sequence),
    index: message.index,
    time: message.time ? plain(message.time) : 0,
    body: plain(value),
  } as Item;
}
