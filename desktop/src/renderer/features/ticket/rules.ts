// The venue's rules for one order, checked before it is sent, in the venue's order and with its
// reasons. A test compares the results with the engine's in test/vectors/orders.json. What only
// the engine knows (the book at that moment, message rates) is not checked here.
import { OrderType, Side, TimeInForce, TradingStatus } from '../../../gen/todoku/v1/types_pb';
import { add, compare, type Decimal, decimal, isMultiple, isZero, multiply, parseDecimal, places, subtract } from '../../../shared/decimal';
import type { Instrument } from '../market/slice';
import type { NewOrder, RiskLimits } from '../orders/slice';

export type Field = 'side' | 'type' | 'time_in_force' | 'price' | 'quantity' | 'expire_time' | 'post_only' | 'account' | 'guard' | '';

/** The reasons for which the venue would refuse, as far as a screen can know. */
export type CheckReason =
  | 'BAD_PRICE'
  | 'OFF_TICK'
  | 'BAD_QUANTITY'
  | 'OFF_LOT'
  | 'QUANTITY_RANGE'
  | 'BAD_TIME'
  | 'BAD_COMBINATION'
  | 'BAD_NUMBER'
  | 'BELOW_FILLED'
  | 'MARKET_NOT_OPEN'
  | 'MARKET_HALTED'
  | 'OUTSIDE_BAND'
  | 'OUTSIDE_DAY_LIMITS'
  | 'ORDER_SIZE_LIMIT'
  | 'ORDER_NOTIONAL_LIMIT'
  | 'OPEN_ORDERS_LIMIT'
  | 'PRICE_BAND_LIMIT';

export interface Check {
  field: Field;
  reason: CheckReason;
  /** Values for the placeholders of the text. */
  values: Record<string, string>;
}

/** What the rules depend on. */
export interface Rules {
  instrument: Instrument;
  /** Price of the last trade, or the instrument's reference price: where bands are measured from. */
  reference: string;
  limits: RiskLimits | undefined;
  /** How many orders of the account work. */
  openOrders: number;
}

export type OrderFields = Pick<NewOrder, 'side' | 'type' | 'timeInForce' | 'postOnly' | 'price' | 'quantity' | 'expireTime'>;

/** Whether an order of this kind may rest in the book. */
export function rests(timeInForce: TimeInForce): boolean {
  return timeInForce === TimeInForce.DAY || timeInForce === TimeInForce.GTC || timeInForce === TimeInForce.GTD;
}

/** Everything that is wrong with an order; the reason that the venue would give comes first. now is the venue's clock, ms. */
export function checkOrder(fields: OrderFields, rules: Rules, now: number): Check[] {
  return [...malformed(fields, rules.instrument, now), ...checkMarket(fields.type, fields.price, rules), ...checkLimits(fields, rules)];
}

/** What is wrong with a new price and total quantity of a working order, of which filled is done. */
export function checkAmend(order: { timeInForce: TimeInForce; price: string; quantity: string; filledQuantity: string }, price: string, quantity: string, rules: Rules): Check[] {
  const { instrument } = rules;
  const bad = [...checkPrice(price, instrument), ...checkQuantity(quantity, instrument)];
  const to = parseDecimal(quantity);
  const at = parseDecimal(price);
  if (bad.length > 0 || !to || !at) return bad;
  if (compare(to, decimal(order.filledQuantity)) <= 0) return [{ field: 'quantity', reason: 'BELOW_FILLED', values: { filled: order.filledQuantity } }];
  // A smaller quantity at the same price only reduces risk, so no other rule applies.
  if (compare(at, decimal(order.price)) === 0 && compare(to, decimal(order.quantity)) <= 0) return [];
  const fields = { side: Side.UNSPECIFIED, type: OrderType.LIMIT, timeInForce: order.timeInForce, postOnly: false, price, quantity };
  // The order is already counted among the open orders.
  return [...checkMarket(fields.type, price, rules), ...checkLimits(fields, { ...rules, openOrders: 0 })];
}

function malformed(fields: OrderFields, instrument: Instrument, now: number): Check[] {
  const { type, timeInForce, postOnly, expireTime } = fields;
  const bad: Check[] = [];
  const combination = (field: Field): void => {
    bad.push({ field, reason: 'BAD_COMBINATION', values: {} });
  };
  if (timeInForce === TimeInForce.GTD && (expireTime === undefined || !(expireTime > now))) bad.push({ field: 'expire_time', reason: 'BAD_TIME', values: {} });
  if (timeInForce !== TimeInForce.GTD && expireTime !== undefined) combination('expire_time');
  if (postOnly && (type === OrderType.MARKET || !rests(timeInForce))) combination('post_only');
  if (type === OrderType.MARKET && rests(timeInForce)) combination('time_in_force');
  if (type === OrderType.MARKET) {
    if (fields.price !== '') combination('price');
  } else bad.push(...checkPrice(fields.price, instrument));
  bad.push(...checkQuantity(fields.quantity, instrument));
  return bad;
}

/** Whether any order of the instrument can have this price. */
export function checkPrice(text: string, instrument: Instrument): Check[] {
  const price = parseDecimal(text);
  if (!price || price.units <= 0n) return [{ field: 'price', reason: 'BAD_PRICE', values: {} }];
  if (!isMultiple(price, decimal(instrument.tickSize))) return [{ field: 'price', reason: 'OFF_TICK', values: { tick: instrument.tickSize } }];
  return [];
}

/** Whether any order of the instrument can have this quantity. */
export function checkQuantity(text: string, instrument: Instrument): Check[] {
  const quantity = parseDecimal(text);
  if (!quantity || quantity.units <= 0n) return [{ field: 'quantity', reason: 'BAD_QUANTITY', values: {} }];
  if (!isMultiple(quantity, decimal(instrument.lotSize))) return [{ field: 'quantity', reason: 'OFF_LOT', values: { lot: instrument.lotSize } }];
  if (compare(quantity, decimal(instrument.minQuantity)) < 0 || compare(quantity, decimal(instrument.maxQuantity)) > 0)
    return [{ field: 'quantity', reason: 'QUANTITY_RANGE', values: { min: instrument.minQuantity, max: instrument.maxQuantity } }];
  return [];
}

function checkMarket(type: OrderType, text: string, { instrument, reference }: Rules): Check[] {
  if (instrument.status === TradingStatus.HALTED) return [{ field: '', reason: 'MARKET_HALTED', values: { why: instrument.statusReason } }];
  if (instrument.status !== TradingStatus.OPEN) return [{ field: '', reason: 'MARKET_NOT_OPEN', values: { why: instrument.statusReason } }];
  const price = type === OrderType.MARKET ? undefined : parseDecimal(text);
  if (!price) return [];
  const low = decimal(instrument.lowLimitPrice);
  const high = decimal(instrument.highLimitPrice);
  if (compare(price, low) < 0 || (!isZero(high) && compare(price, high) > 0))
    return [{ field: 'price', reason: 'OUTSIDE_DAY_LIMITS', values: { low: instrument.lowLimitPrice, high: instrument.highLimitPrice } }];
  const band = bandOf(decimal(reference), instrument.bandBasisPoints);
  return outside(price, band) ? [{ field: 'price', reason: 'OUTSIDE_BAND', values: { reference } }] : [];
}

function checkLimits(fields: OrderFields, { limits, openOrders, reference }: Rules): Check[] {
  const quantity = parseDecimal(fields.quantity);
  if (!limits || !quantity) return [];
  const bad: Check[] = [];
  const limit = parseDecimal(fields.price);
  const most = decimal(limits.maxOrderQuantity);
  if (!isZero(most) && compare(quantity, most) > 0) bad.push({ field: 'quantity', reason: 'ORDER_SIZE_LIMIT', values: { max: limits.maxOrderQuantity } });
  const price = fields.type === OrderType.MARKET ? decimal(reference) : limit;
  const money = decimal(limits.maxOrderNotional);
  if (price && !isZero(money) && compare(multiply(price, quantity), money) > 0)
    bad.push({ field: 'quantity', reason: 'ORDER_NOTIONAL_LIMIT', values: { max: limits.maxOrderNotional } });
  if (limits.maxOpenOrders !== 0 && rests(fields.timeInForce) && openOrders >= limits.maxOpenOrders)
    bad.push({ field: '', reason: 'OPEN_ORDERS_LIMIT', values: { max: String(limits.maxOpenOrders) } });
  if (fields.type !== OrderType.MARKET && limit && outside(limit, bandOf(decimal(reference), limits.priceBandBasisPoints)))
    bad.push({ field: 'price', reason: 'PRICE_BAND_LIMIT', values: { reference } });
  return bad;
}

interface Band {
  low: Decimal;
  high: Decimal;
}

/** The lowest and highest price within a band of hundredths of a percent; undefined when there is none. */
function bandOf(reference: Decimal, basisPoints: number): Band | undefined {
  if (basisPoints === 0 || isZero(reference)) return undefined;
  // The venue rounds the width toward zero in its own steps.
  const from: Decimal = { units: reference.units * 10n ** BigInt(places - reference.scale), scale: places };
  const width: Decimal = { units: (from.units * BigInt(Math.min(basisPoints, 10_000))) / 10_000n, scale: from.scale };
  return { low: subtract(from, width), high: add(from, width) };
}

function outside(price: Decimal, band: Band | undefined): boolean {
  return band !== undefined && (compare(price, band.low) < 0 || compare(price, band.high) > 0);
}

/** Where a reason that names no field belongs. */
export function fieldOf(reason: string, field: string): Field {
  switch (field) {
    case 'side':
    case 'type':
    case 'time_in_force':
    case 'price':
    case 'quantity':
    case 'expire_time':
    case 'post_only':
    case 'account':
      return field;
    case 'seen_book_version':
    case 'max_book_moves':
      return 'guard';
  }
  switch (reason) {
    case 'OUTSIDE_BAND':
    case 'OUTSIDE_DAY_LIMITS':
    case 'PRICE_BAND_LIMIT':
    case 'BOOK_FULL':
      return 'price';
    case 'POST_ONLY_WOULD_TRADE':
      return 'post_only';
    case 'ORDER_SIZE_LIMIT':
    case 'ORDER_NOTIONAL_LIMIT':
    case 'POSITION_LIMIT':
    case 'BELOW_FILLED':
      return 'quantity';
    case 'STALE_VIEW':
      return 'guard';
  }
  return '';
}
