// The outcome of the order that was sent last, as far as it is known.
import { group } from '../../../shared/decimal';
import { useT } from '../../i18n';
import type { Outcome } from '../orders/outcome';
import { useReasonText } from '../orders/reasons';

export function LastOrder({ outcome }: { outcome: Outcome }) {
  const t = useT();
  const textOf = useReasonText();
  const words = (): string => {
    switch (outcome.state) {
      case 'refused':
        return t('ticket.outcome.refused', { why: textOf(outcome.problem) });
      case 'works':
        return t('ticket.outcome.works', { leaves: group(outcome.order.leavesQuantity), filled: group(outcome.order.filledQuantity), id: outcome.order.orderId });
      case 'filled':
        return t('ticket.outcome.filled', { filled: group(outcome.order.filledQuantity), id: outcome.order.orderId });
      case 'ended': {
        const { filledQuantity, quantity } = outcome.order;
        const why = outcome.reason ? textOf({ reason: outcome.reason.name, text: outcome.reason.text }) : '';
        return t('ticket.outcome.canceled', { filled: group(filledQuantity), quantity: group(quantity), why });
      }
      default:
        return t(`ticket.outcome.${outcome.state}`);
    }
  };
  return (
    <p className="outcome" role="status" data-state={outcome.state}>
      {words()}
    </p>
  );
}
