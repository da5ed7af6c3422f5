// Creates an instrument or changes its rules. The form does not change the status: it sends the
// present one, so that editing a name cannot undo a halt.
import { useState } from 'react';
import { AssetClass, TradingStatus } from '../../../gen/todoku/v1/types_pb';
import { useAppSelector } from '../../app/hooks';
import { type Translate, useT } from '../../i18n';
import { typedNumber } from '../../ui/StepField';
import type { Instrument } from '../market/slice';
import { ChangeDialog } from './ChangeDialog';
import { CheckField, ChoiceField, TextField } from './Fields';
import { type Check, checkInstrument, type InstrumentDraft, wholeNumber } from './rules';
import { classWord, statusWord } from './words';

const empty: InstrumentDraft = {
  symbol: '',
  name: '',
  assetClass: AssetClass.UNSPECIFIED,
  currency: '',
  tickSize: '',
  lotSize: '1',
  minQuantity: '1',
  maxQuantity: '',
  lowLimitPrice: '',
  highLimitPrice: '',
  bandBasisPoints: '',
  referencePrice: '',
  discloseCounterparty: false,
  status: TradingStatus.PRE_OPEN,
  statusReason: '',
};

/** Fields that are text, by their names in the request. */
const texts = {
  name: 'name',
  currency: 'currency',
  tickSize: 'tick_size',
  lotSize: 'lot_size',
  minQuantity: 'min_quantity',
  maxQuantity: 'max_quantity',
  lowLimitPrice: 'low_limit_price',
  highLimitPrice: 'high_limit_price',
  referencePrice: 'reference_price',
  bandBasisPoints: 'band_basis_points',
} as const;
type TextName = keyof typeof texts;

const written = new Set<TextName>(['name', 'currency']);
const mayBeNone = new Set<TextName>(['lowLimitPrice', 'highLimitPrice', 'referencePrice', 'bandBasisPoints']);

export function EditInstrument({ before, onClose }: { before?: Instrument; onClose: () => void }) {
  const t = useT();
  const instruments = useAppSelector((s) => s.market.instruments);
  const [draft, setDraft] = useState<InstrumentDraft>(() => (before ? { ...before, bandBasisPoints: String(before.bandBasisPoints || '') } : empty));
  const now = before && instruments[before.symbol];
  const typed: InstrumentDraft = { ...tidy(draft), ...(now ? { status: now.status, statusReason: now.statusReason } : {}) };
  const instrument: Instrument = { ...typed, bandBasisPoints: wholeNumber(typed.bandBasisPoints) ?? 0 };
  const checks = checkInstrument(typed);
  if (!before && typed.symbol in instruments) checks.push(exists);
  const set = (change: Partial<InstrumentDraft>): void => setDraft((old) => ({ ...old, ...change }));
  const changes = before ? differences(t, before, instrument) : [];
  const movedOn = before !== undefined && now !== undefined && differences(t, before, now).length > 0;
  const status = statusWord(t, typed.status);
  const what = before
    ? changes.length > 0
      ? t('admin.instrument.changeWhat', { changes: changes.join('; ') })
      : undefined
    : t('admin.instrument.createWhat', { status });
  return (
    <ChangeDialog
      title={before ? t('admin.instrument.editTitle', { symbol: before.symbol }) : t('admin.instrument.new')}
      confirm={before ? t('admin.instrument.change') : t('admin.instrument.create', { symbol: typed.symbol })}
      what={what}
      off={movedOn ? t('admin.dialog.movedOn') : undefined}
      change={{ kind: 'upsertInstrument', instrument, isNew: !before }}
      checks={checks}
      onClose={onClose}
    >
      {(problemAt) => (
        <div className="fields">
          {!before && <TextField label={t('admin.instrument.symbol')} name="symbol" value={draft.symbol} onChange={(symbol) => set({ symbol })} problem={problemAt('symbol', draft.symbol)} autoFocus />}
          <ChoiceField
            label={t('admin.instrument.asset_class')}
            name="asset_class"
            value={draft.assetClass}
            choices={[AssetClass.UNSPECIFIED, AssetClass.FX, AssetClass.FUTURE, AssetClass.EQUITY].map((one) => [one, classWord(t, one)] as const)}
            onChange={(assetClass) => set({ assetClass })}
            problem={problemAt('asset_class')}
          />
          {(Object.keys(texts) as TextName[]).map((name) => (
            <TextField
              key={name}
              label={t(`admin.instrument.${texts[name]}`)}
              name={texts[name]}
              value={draft[name]}
              numeric={!written.has(name)}
              onChange={(text) => set({ [name]: text })}
              problem={problemAt(texts[name], draft[name])}
              hint={mayBeNone.has(name) ? t('admin.instrument.noneHint') : undefined}
            />
          ))}
          {!before && (
            <ChoiceField
              label={t('admin.instrument.status')}
              name="status"
              value={draft.status}
              choices={[TradingStatus.PRE_OPEN, TradingStatus.OPEN, TradingStatus.HALTED, TradingStatus.CLOSED].map((one) => [one, statusWord(t, one)] as const)}
              onChange={(chosen) => set({ status: chosen })}
              problem={problemAt('status')}
            />
          )}
          <CheckField
            label={t('admin.instrument.disclose_counterparty')}
            name="disclose_counterparty"
            checked={draft.discloseCounterparty}
            onChange={(discloseCounterparty) => set({ discloseCounterparty })}
          />
        </div>
      )}
    </ChangeDialog>
  );
}

const exists: Check = { field: 'symbol', reason: 'ALREADY_EXISTS', why: 'exists', values: {} };

function tidy(draft: InstrumentDraft): InstrumentDraft {
  const out = { ...draft, symbol: draft.symbol.normalize('NFKC').trim().toUpperCase() };
  for (const name of Object.keys(texts) as TextName[]) out[name] = written.has(name) ? draft[name].trim() : typedNumber(draft[name]);
  return out;
}

/** Describes what differs, except the status. */
export function differences(t: Translate, from: Instrument, to: Instrument): string[] {
  const none = t('admin.no');
  const difference = (field: string, a: string, b: string): string[] => (a === b ? [] : [t('admin.instrument.diff', { field, from: a || none, to: b || none })]);
  const yes = (is: boolean): string => (is ? t('admin.yes') : none);
  const number = (text: string | number): string => (String(text) === '0' ? '' : String(text));
  return [
    ...difference(t('admin.instrument.asset_class'), classWord(t, from.assetClass), classWord(t, to.assetClass)),
    ...(Object.keys(texts) as TextName[]).flatMap((name) => difference(t(`admin.instrument.${texts[name]}`), number(from[name]), number(to[name]))),
    ...difference(t('admin.instrument.disclose_counterparty'), yes(from.discloseCounterparty), yes(to.discloseCounterparty)),
  ];
}
