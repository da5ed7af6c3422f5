// The panel of the price chart. The drawing library is large and loaded when a chart is first opened.
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
