// Words of the price chart, in every language.

export const en = {
  'chart.of': 'Price chart of {symbol}',
  'chart.interval': 'Interval',
  'chart.interval.1s': '1 s',
  'chart.interval.1m': '1 min',
  'chart.interval.5m': '5 min',
  'chart.interval.1h': '1 h',
  'chart.interval.1d': '1 day',
  'chart.summary': '{symbol}, {interval}: last {last}, high {high}, low {low}, volume {volume}. Candles since {since}: {n}.',
  'chart.none': 'No trades to draw yet.',
  'chart.loading': 'Loading trades…',
  'chart.failed': 'Earlier trades could not be loaded: {text}',
  'chart.attribution': 'Charts by TradingView',
} as const;

export const ja: Record<keyof typeof en, string> = {
  'chart.of': '{symbol} のチャート',
  'chart.interval': '足',
  'chart.interval.1s': '1秒足',
  'chart.interval.1m': '1分足',
  'chart.interval.5m': '5分足',
  'chart.interval.1h': '1時間足',
  'chart.interval.1d': '日足',
  'chart.summary': '{symbol} {interval}：現在値 {last}、高値 {high}、安値 {low}、出来高 {volume}（{since} 以降 {n} 本）',
  'chart.none': '約定がまだないため表示できません。',
  'chart.loading': '約定を読み込み中…',
  'chart.failed': '過去の約定を読み込めませんでした：{text}',
  'chart.attribution': 'Charts by TradingView',
};
