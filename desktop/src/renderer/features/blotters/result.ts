// The exact value of a position: the venue sends the cost of the open quantity and the realized
// result; the market has the price at which it could be closed now.
import { compare, type Decimal, decimal, digitsOf, divide, format, isZero, multiply, subtract } from '../../../shared/decimal';
import type { Instrument, Quote } from '../market/slice';
import type { Position } from '../orders/slice';

/** Decimal places of an average price, which may be a repeating decimal. */
const averagePlaces = 8;

/** What the open quantity was bought, or sold short, for; undefined while nothing is open. */
export function averagePrice({ quantity, cost }: Pick<Position, 'quantity' | 'cost'>): Decimal | undefined {
  const open = decimal(quantity);
  return isZero(open) ? undefined : divide(decimal(cost), open, averagePlaces);
}

/** The price at which the open quantity could be closed now: bids for what is long, offers for what is short. */
export function closingPrice(quantity: string, quote: Pick<Quote, 'bid' | 'offer'> | undefined): string {
  const sign = compare(decimal(quantity), decimal(''));
  return (sign > 0 ? quote?.bid?.price : sign < 0 ? quote?.offer?.price : '') ?? '';
}

/** The result of closing at this price; undefined without a price. */
export function openResult({ quantity, cost }: Pick<Position, 'quantity' | 'cost'>, price: string): Decimal | undefined {
  const open = decimal(quantity);
  if (isZero(open)) return decimal('');
  return price === '' ? undefined : subtract(multiply(open, decimal(price)), decimal(cost));
}

/** Decimal places of an instrument's money: those of a price times a quantity. */
export function moneyDigits(instrument: Instrument | undefined): number {
  return instrument ? digitsOf(decimal(instrument.tickSize)) + digitsOf(decimal(instrument.lotSize)) : 0;
}

/** A position with its value, in exact numbers. */
export interface PositionRow {
  key: string;
  position: Position;
  currency: string;
  digits: number;
  priceDigits: number;
  average: string;
  close: string;
  open: string;
  realised: string;
  /** The price that it is valued at is from before the stream was last lost. */
  awaited: boolean;
}

export function positionRow(position: Position, instrument: Instrument | undefined, quote: Quote | undefined, awaited = false): PositionRow {
  const digits = moneyDigits(instrument);
  const priceDigits = instrument ? digitsOf(decimal(instrument.tickSize)) : 0;
  const close = closingPrice(position.quantity, quote);
  const average = averagePrice(position);
  const open = openResult(position, close);
  return {
    key: `${position.account} ${position.symbol}`,
    position,
    awaited,
    currency: instrument?.currency ?? '',
    digits,
    priceDigits,
    average: average ? format(average, priceDigits) : '',
    close: close === '' ? '' : format(decimal(close), priceDigits),
    open: open ? format(open, digits) : '',
    realised: format(decimal(position.realised), digits),
  };
}
