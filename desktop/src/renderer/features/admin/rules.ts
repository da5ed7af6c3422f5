// The venue's rules for what administrators enter, checked before it is sent, in the venue's
// order and with its reasons. A test compares the results for instruments with the venue's in
// test/vectors/instruments.json.
import { AssetClass, type Role, TradingStatus } from '../../../gen/todoku/v1/types_pb';
import { compare, type Decimal, isMultiple, isZero, parseDecimal } from '../../../shared/decimal';
import type { Instrument } from '../market/slice';
import type { RiskLimits } from '../orders/slice';

/** Why a field is wrong; i18n has a text for each. */
export type Why =
  | 'needed'
  | 'symbol'
  | 'name'
  | 'bytes'
  | 'control'
  | 'choose'
  | 'price'
  | 'quantity'
  | 'amount'
  | 'whole'
  | 'positive'
  | 'multipleOfLot'
  | 'multipleOfTick'
  | 'belowMin'
  | 'belowLow'
  | 'bandNeedsReference'
  | 'basisPoints'
  | 'exists'
  | 'twice'
  | 'tooMany'
  | 'passwordsDiffer'
  | 'unknownUser'
  | 'period';

export interface Check {
  /** The field's name in the request, without its path. */
  field: string;
  /** The venue's reason; empty for rules that only the screen has. */
  reason: string;
  why: Why;
  values: Record<string, string | number>;
}

/** Collects problems, at most one for each field. */
class Checks {
  readonly list: Check[] = [];

  add(field: string, reason: string, why: Why, values: Check['values'] = {}): void {
    if (!this.list.some((check) => check.field === field)) this.list.push({ field, reason, why, values });
  }
}

/** The longest texts, in bytes of UTF-8. */
export const maxText = 1000;
const maxName = 100;
const maxCurrency = 12;
const maxPassword = 1024;
const maxAccounts = 100;
const maxBasisPoints = 10_000;
const maxUint32 = 0xffff_ffff;

export function bytesOf(text: string): number {
  return new TextEncoder().encode(text).length;
}

function checkText(checks: Checks, field: string, text: string, most: number): void {
  if (bytesOf(text) > most) checks.add(field, 'BAD_TEXT', 'bytes', { most });
  else if (/\p{Cs}|[^\P{Cc}\n\t]/u.test(text)) checks.add(field, 'BAD_TEXT', 'control');
}

function checkName(checks: Checks, field: string, text: string): void {
  if (text === '') checks.add(field, 'BAD_NAME', 'needed');
  else if (!/^[a-z][a-z0-9._-]{0,31}$/.test(text)) checks.add(field, 'BAD_NAME', 'name', { name: text });
}

/** A whole number as typed; undefined if invalid. Empty is zero. */
export function wholeNumber(text: string): number | undefined {
  if (text === '') return 0;
  if (!/^[0-9]{1,10}$/.test(text)) return undefined;
  const n = Number(text);
  return n <= maxUint32 ? n : undefined;
}

/** An instrument as typed: numbers are text until they are valid. */
export type InstrumentDraft = Omit<Instrument, 'bandBasisPoints'> & { bandBasisPoints: string };

const zero: Decimal = { units: 0n, scale: 0 };

/** Everything that is wrong with an instrument; the reason that the venue would give comes first. */
export function checkInstrument(draft: InstrumentDraft): Check[] {
  const checks = new Checks();
  const number = (field: string, reason: 'BAD_PRICE' | 'BAD_QUANTITY', text: string): Decimal | undefined => {
    const d = text === '' ? zero : parseDecimal(text);
    if (!d) checks.add(field, reason, reason === 'BAD_PRICE' ? 'price' : 'quantity');
    return d;
  };
  // Unreadable fields come before fields that contradict each other.
  if (draft.symbol === '') checks.add('symbol', 'BAD_NAME', 'needed');
  else if (!/^[A-Z0-9._/-]{1,24}$/.test(draft.symbol)) checks.add('symbol', 'BAD_NAME', 'symbol');
  if (!(draft.assetClass in AssetClass) || draft.assetClass === AssetClass.UNSPECIFIED) checks.add('asset_class', 'BAD_ENUM', 'choose');
  const tick = number('tick_size', 'BAD_PRICE', draft.tickSize);
  const lot = number('lot_size', 'BAD_QUANTITY', draft.lotSize);
  const least = number('min_quantity', 'BAD_QUANTITY', draft.minQuantity);
  const most = number('max_quantity', 'BAD_QUANTITY', draft.maxQuantity);
  const low = number('low_limit_price', 'BAD_PRICE', draft.lowLimitPrice);
  const high = number('high_limit_price', 'BAD_PRICE', draft.highLimitPrice);
  const reference = number('reference_price', 'BAD_PRICE', draft.referencePrice);
  if (!(draft.status in TradingStatus) || draft.status === TradingStatus.UNSPECIFIED) checks.add('status', 'BAD_ENUM', 'choose');
  const band = wholeNumber(draft.bandBasisPoints);
  if (band === undefined) checks.add('band_basis_points', 'BAD_NUMBER', 'basisPoints');

  checkText(checks, 'name', draft.name, maxName);
  checkText(checks, 'currency', draft.currency, maxCurrency);
  checkText(checks, 'status_reason', draft.statusReason, maxText);
  if (tick && tick.units <= 0n) checks.add('tick_size', 'BAD_PRICE', 'positive');
  if (lot && lot.units <= 0n) checks.add('lot_size', 'BAD_QUANTITY', 'positive');
  const lots = lot && lot.units > 0n ? lot : undefined;
  const ticks = tick && tick.units > 0n ? tick : undefined;
  if (least && (least.units <= 0n || (lots && !isMultiple(least, lots)))) checks.add('min_quantity', 'BAD_QUANTITY', 'multipleOfLot', { lot: draft.lotSize });
  if (most && lots && !isMultiple(most, lots)) checks.add('max_quantity', 'BAD_QUANTITY', 'multipleOfLot', { lot: draft.lotSize });
  if (most && least && compare(most, least) < 0) checks.add('max_quantity', 'BAD_QUANTITY', 'belowMin');
  if (low && (low.units < 0n || (ticks && !isMultiple(low, ticks)))) checks.add('low_limit_price', 'BAD_PRICE', 'multipleOfTick', { tick: draft.tickSize });
  if (high && (high.units < 0n || (ticks && !isMultiple(high, ticks)))) checks.add('high_limit_price', 'BAD_PRICE', 'multipleOfTick', { tick: draft.tickSize });
  if (high && low && !isZero(high) && compare(high, low) < 0) checks.add('high_limit_price', 'BAD_PRICE', 'belowLow');
  if (reference && reference.units < 0n) checks.add('reference_price', 'BAD_PRICE', 'price');
  if (reference && band && isZero(reference)) checks.add('reference_price', 'BAD_PRICE', 'bandNeedsReference');
  if (band !== undefined && band > maxBasisPoints) checks.add('band_basis_points', 'BAD_NUMBER', 'basisPoints');
  return checks.list;
}

/** A user as typed. */
export interface UserDraft {
  user: string;
  displayName: string;
  roles: Role[];
  /** Names with commas or spaces between. */
  accounts: string;
  password: string;
  again: string;
}

/** Names in a text, with commas, spaces or newlines between. */
export function namesIn(text: string): string[] {
  return text.split(/[\s,、，]+/).filter((name) => name !== '');
}

/** What is wrong with a new user, or with changes to one, in which empty fields are not changed. */
export function checkUser(draft: UserDraft, isNew: boolean, known: readonly string[]): Check[] {
  const checks = new Checks();
  checkName(checks, 'user', draft.user);
  if (isNew && known.includes(draft.user)) checks.add('user', 'ALREADY_EXISTS', 'exists');
  checkText(checks, 'display_name', draft.displayName, maxName);
  const accounts = namesIn(draft.accounts);
  for (const account of accounts) checkName(checks, 'accounts', account);
  if (new Set(accounts).size < accounts.length) checks.add('accounts', 'BAD_NAME', 'twice');
  if (accounts.length > maxAccounts) checks.add('accounts', 'BAD_NAME', 'tooMany', { most: maxAccounts });
  if (isNew && draft.password === '') checks.add('password', 'BAD_TEXT', 'needed');
  if (bytesOf(draft.password) > maxPassword) checks.add('password', 'BAD_TEXT', 'bytes', { most: maxPassword });
  if (draft.password !== draft.again) checks.add('again', '', 'passwordsDiffer');
  return checks.list;
}

/** Limits as typed; empty or zero is no limit. */
export type LimitsDraft = { [K in keyof RiskLimits]: string };

export function checkLimits(draft: LimitsDraft): Check[] {
  const checks = new Checks();
  const quantity = draft.maxOrderQuantity === '' ? zero : parseDecimal(draft.maxOrderQuantity);
  if (!quantity || quantity.units < 0n) checks.add('max_order_quantity', 'BAD_QUANTITY', 'quantity');
  if (!isAmount(draft.maxOrderNotional)) checks.add('max_order_notional', 'BAD_NUMBER', 'amount');
  if (wholeNumber(draft.maxOpenOrders) === undefined) checks.add('max_open_orders', 'BAD_NUMBER', 'whole');
  if ((wholeNumber(draft.priceBandBasisPoints) ?? maxUint32) > maxBasisPoints) checks.add('price_band_basis_points', 'BAD_NUMBER', 'basisPoints');
  if (wholeNumber(draft.maxMessagesPerSecond) === undefined) checks.add('max_messages_per_second', 'BAD_NUMBER', 'whole');
  return checks.list;
}

const amountPlaces = 16;

/** Whether a text is money that is not negative: sixteen places, what 127 bits hold in steps of 1e-16. */
function isAmount(text: string): boolean {
  if (text === '') return true;
  const [, whole = '', fraction = ''] = (text.length <= 80 && /^([0-9]+)(?:\.([0-9]+))?$/.exec(text)) || [];
  const digits = fraction.replace(/0+$/, '');
  return whole !== '' && digits.length <= amountPlaces && BigInt(whole + digits.padEnd(amountPlaces, '0')) < 1n << 127n;
}

export function checkAnnouncement(text: string, users: readonly string[], known: readonly string[] | undefined): Check[] {
  const checks = new Checks();
  if (text === '') checks.add('text', 'BAD_TEXT', 'needed');
  checkText(checks, 'text', text, maxText);
  for (const user of users) {
    checkName(checks, 'users', user);
    if (known && !known.includes(user)) checks.add('users', 'UNKNOWN_USER', 'unknownUser', { name: user });
  }
  return checks.list;
}

/** What is wrong with the text of a reason; it may be empty. */
export function checkReason(text: string): Check[] {
  const checks = new Checks();
  checkText(checks, 'reason', text, maxText);
  return checks.list;
}

/** What is wrong with the number of a trade, an order or an event. */
export function checkNumber(field: string, text: string): Check[] {
  if (text === '') return [{ field, reason: 'BAD_NUMBER', why: 'needed', values: {} }];
  if (!/^[1-9][0-9]{0,19}$/.test(text) || BigInt(text) >= 1n << 64n) return [{ field, reason: 'BAD_NUMBER', why: 'whole', values: {} }];
  return [];
}
