// Words of columns of tables, in every language.

export const en = {
  'column.symbol': 'Symbol',
  'column.bid': 'Bid',
  'column.offer': 'Ask',
  'column.last': 'Last',
  'column.price': 'Price',
  'column.quantity': 'Quantity',
  'column.orders': 'Orders',
  'column.side': 'Side',
  'column.status': 'Status',
  'column.time': 'Time',
} as const;

export const ja: Record<keyof typeof en, string> = {
  'column.symbol': '銘柄',
  'column.bid': '買気配',
  'column.offer': '売気配',
  'column.last': '現在値',
  'column.price': '値段',
  'column.quantity': '数量',
  'column.orders': '件数',
  'column.side': '売買',
  'column.status': '状態',
  'column.time': '時刻',
};
