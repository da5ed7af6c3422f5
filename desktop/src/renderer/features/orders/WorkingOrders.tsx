// The orders that work now.
import { Side } from '../../../gen/todoku/v1/types_pb';
import { useAppSelector } from '../../app/hooks';
import { useT } from '../../i18n';

export function WorkingOrders() {
  const t = useT();
  const working = useAppSelector((s) => s.orders.working);
  return (
    <table className="grid">
      <thead>
        <tr>
          <th>{t('column.symbol')}</th>
          <th>{t('column.side')}</th>
          <th className="number">{t('column.price')}</th>
          <th className="number">{t('column.quantity')}</th>
        </tr>
      </thead>
      <tbody>
        {Object.values(working).map((order) => (
          <tr key={order.orderId} data-order={order.orderId}>
            <td>{order.symbol}</td>
            <td>{order.side === Side.BUY ? t('side.buy') : t('side.sell')}</td>
            <td className="number">{order.price}</td>
            <td className="number">{order.leavesQuantity}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
