// Words of cancelling many, in every language.

export const en = {
  'cancelAll.title': 'Cancel all',
  'cancelAll.allSymbols': 'All instruments',
  'cancelAll.bothSides': 'Both sides',
  'cancelAll.buys': 'Buys',
  'cancelAll.sells': 'Sells',
  'cancelAll.concerns': 'Working orders to cancel: {n}',
  'cancelAll.back': 'Keep them',
  'cancelAll.confirm': 'Cancel these orders',
  'cancelAll.sent': 'Cancelling…',
  'cancelAll.unknown': 'No answer; asking again…',
  'cancelAll.refused': 'Not cancelled: {why}',
  'cancelAll.done.one': '1 order cancelled',
  'cancelAll.done.other': '{n} orders cancelled',
  'cancelAll.uncounted': 'Cancelled while the connection was lost',
  'cancelAll.hint': 'Cancelled orders are counted as the venue reports them.',
} as const;

export const ja: Record<keyof typeof en, string> = {
  'cancelAll.title': '一括取消',
  'cancelAll.allSymbols': '全銘柄',
  'cancelAll.bothSides': '売買両方',
  'cancelAll.buys': '買注文',
  'cancelAll.sells': '売注文',
  'cancelAll.concerns': '対象の有効注文：{n} 件',
  'cancelAll.back': '取消しない',
  'cancelAll.confirm': 'これらの注文を取消',
  'cancelAll.sent': '取消中…',
  'cancelAll.unknown': '応答なし。再照会中…',
  'cancelAll.refused': '取消できません：{why}',
  'cancelAll.done.one': '1 件取消しました',
  'cancelAll.done.other': '{n} 件取消しました',
  'cancelAll.uncounted': '接続が切れている間に取消されました',
  'cancelAll.hint': '件数は取引所からの取消通知に基づきます。',
};
