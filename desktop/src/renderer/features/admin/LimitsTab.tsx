// The limits of an account. An empty limit is shown as no limit.
import { type FormEvent, useMemo, useState } from 'react';
import { useAppDispatch, useAppSelector } from '../../app/hooks';
import { group } from '../../../shared/decimal';
import { type Translate, useT } from '../../i18n';
import { typedNumber } from '../../ui/StepField';
import type { RiskLimits } from '../orders/slice';
import { ChangeDialog } from './ChangeDialog';
import { TextField } from './Fields';
import { ListHead } from './ListHead';
import { selectMay } from './selectors';
import { checkLimits, type LimitsDraft, wholeNumber } from './rules';
import { admin } from './slice';

/** Limits by their names in the request. */
const names = {
  maxOrderQuantity: 'max_order_quantity',
  maxOrderNotional: 'max_order_notional',
  maxOpenOrders: 'max_open_orders',
  priceBandBasisPoints: 'price_band_basis_points',
  maxMessagesPerSecond: 'max_messages_per_second',
} as const;
type Name = keyof typeof names;
const all = Object.keys(names) as Name[];

/** Limits for which the venue has a default, and the value that is no limit for them. */
const defaulted: readonly string[] = ['maxOpenOrders', 'maxMessagesPerSecond'] satisfies Name[];
const unlimited = 4294967295;

/** A limit as text. */
export function limitWords(t: Translate, value: string | number, name = ''): string {
  const text = String(value);
  const hasDefault = defaulted.includes(name);
  if (hasDefault && value === unlimited) return t('admin.limits.none');
  if (text !== '' && !/^0(\.0*)?$/.test(text)) return group(text);
  return t(hasDefault ? 'admin.limits.default' : 'admin.limits.none');
}

export function LimitsTab() {
  const t = useT();
  const dispatch = useAppDispatch();
  const users = useAppSelector((s) => s.admin.lists.users.value);
  const accounts = useMemo(() => [...new Set(users?.flatMap((user) => user.accounts))].toSorted(), [users]);
  const { value, query } = useAppSelector((s) => s.admin.lists.limits);
  const maySet = useAppSelector(selectMay('setLimits'));
  const [account, setAccount] = useState(query?.account ?? '');
  const [asking, setAsking] = useState(false);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (account.trim() !== '') dispatch(admin.wanted({ list: 'limits', account: account.trim() }));
  };
  return (
    <>
      <ListHead list="limits">
        <form className="filter" onSubmit={submit}>
          <TextField label={t('admin.limits.account')} name="account" value={account} onChange={setAccount} suggestions={accounts} />
          <button type="submit">{t('admin.show')}</button>
        </form>
      </ListHead>
      {!value && <p className="note">{t('admin.limits.choose')}</p>}
      {value && (
        <section className="facts" aria-label={t('admin.limits.of', { account: value.account })}>
          <h2>{t('admin.limits.of', { account: value.account })}</h2>
          <dl>
            {all.map((name) => (
              <div key={name}>
                <dt>{t(`admin.limits.${names[name]}`)}</dt>
                <dd className="number">{limitWords(t, value[name], name)}</dd>
              </div>
            ))}
          </dl>
          {maySet && (
            <button type="button" onClick={() => setAsking(true)}>
              {t('admin.limits.change')}
            </button>
          )}
        </section>
      )}
      {asking && value && <AskLimits before={value} onClose={() => setAsking(false)} />}
    </>
  );
}

function AskLimits({ before, onClose }: { before: RiskLimits; onClose: () => void }) {
  const t = useT();
  // Compare with the limits that the user saw when the form was opened.
  const [from] = useState(before);
  const [typed, setTyped] = useState<LimitsDraft>(() => ({ account: from.account, ...(Object.fromEntries(all.map((name) => [name, /^(0(\.0*)?)?$/.test(String(from[name])) ? '' : String(from[name])])) as Record<Name, string>) }));
  const draft: LimitsDraft = { ...typed };
  for (const name of all) draft[name] = typedNumber(typed[name]);
  const limits: RiskLimits = {
    account: from.account,
    maxOrderQuantity: draft.maxOrderQuantity,
    maxOrderNotional: draft.maxOrderNotional,
    maxOpenOrders: wholeNumber(draft.maxOpenOrders) ?? 0,
    priceBandBasisPoints: wholeNumber(draft.priceBandBasisPoints) ?? 0,
    maxMessagesPerSecond: wholeNumber(draft.maxMessagesPerSecond) ?? 0,
  };
  const words = (name: Name, of: RiskLimits): string => limitWords(t, of[name], name);
  const changes = all
    .filter((name) => words(name, from) !== words(name, limits))
    .map((name) => t('admin.instrument.diff', { field: t(`admin.limits.${names[name]}`), from: words(name, from), to: words(name, limits) }));
  const movedOn = all.some((name) => words(name, from) !== words(name, before));
  return (
    <ChangeDialog
      title={t('admin.limits.of', { account: from.account })}
      confirm={t('admin.limits.change')}
      what={changes.length > 0 ? t('admin.limits.what', { account: from.account, changes: changes.join('; ') }) : undefined}
      off={movedOn ? t('admin.dialog.movedOn') : undefined}
      change={{ kind: 'setLimits', limits }}
      checks={checkLimits(draft)}
      onClose={onClose}
    >
      {(problemAt) => (
        <div className="fields">
          {all.map((name, at) => (
            <TextField
              key={name}
              label={t(`admin.limits.${names[name]}`)}
              name={names[name]}
              value={typed[name]}
              numeric
              onChange={(text) => setTyped((old) => ({ ...old, [name]: text }))}
              hint={t(defaulted.includes(name) ? 'admin.limits.defaultHint' : 'admin.limits.noneHint')}
              problem={problemAt(names[name], typed[name])}
              autoFocus={at === 0}
            />
          ))}
        </div>
      )}
    </ChangeDialog>
  );
}
