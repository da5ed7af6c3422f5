// Whether an instrument trades, by icon and word.
import { TradingStatus } from '../../../gen/todoku/v1/types_pb';
import { type Key, useT } from '../../i18n';
import type { Instrument } from './slice';

const words: Partial<Record<TradingStatus, readonly [string, Key]>> = {
  [TradingStatus.PRE_OPEN]: ['◷', 'market.status.preOpen'],
  [TradingStatus.OPEN]: ['●', 'market.status.open'],
  [TradingStatus.HALTED]: ['⏸', 'market.status.halted'],
  [TradingStatus.CLOSED]: ['■', 'market.status.closed'],
};

/** quiet shows nothing while the instrument is open. */
export function Status({ instrument, quiet = false }: { instrument: Instrument; quiet?: boolean }) {
  const t = useT();
  const [icon, word] = words[instrument.status] ?? [];
  if (!icon || !word || (quiet && instrument.status === TradingStatus.OPEN)) return null;
  return (
    <span className="trading-status" data-status={TradingStatus[instrument.status]} title={instrument.statusReason}>
      <span aria-hidden="true">{icon}</span> {t(word)}
    </span>
  );
}
