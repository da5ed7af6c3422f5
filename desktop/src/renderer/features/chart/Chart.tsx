// The panel of the price chart. The drawing library is large and loaded when a chart is first opened.
import { useEffect } from 'react';
import { useAppDispatch } from '../../app/hooks';
import { part } from '../../ui/part';
import { chart } from './slice';

const ChartView = part(() => import('./ChartView'));

export function Chart() {
  const dispatch = useAppDispatch();
  useEffect(() => {
    dispatch(chart.opened());
    return () => {
      dispatch(chart.closed());
    };
  }, [dispatch]);
  return <ChartView />;
}
