// The panel of the price chart. What draws is large and comes when a chart is first opened.
import { lazy, Suspense, useEffect } from 'react';
import { useAppDispatch } from '../../app/hooks';
import { chart } from './slice';

const ChartView = lazy(() => import('./ChartView'));

export function Chart() {
  const dispatch = useAppDispatch();
  useEffect(() => {
    dispatch(chart.opened());
    return () => {
      dispatch(chart.closed());
    };
  }, [dispatch]);
  return (
    <Suspense fallback={null}>
      <ChartView />
    </Suspense>
  );
}
