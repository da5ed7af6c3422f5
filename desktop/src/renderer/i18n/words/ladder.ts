// Words of the price ladder, in every language.

export const en = {
  'ladder.name': 'Price ladder {symbol}',
  'ladder.ownHint': 'Click cancels, dragging moves',
  'ladder.last': 'Last trade',
  'ladder.follow': 'Follow the market',
  'ladder.cancelBuys': 'Cancel buys',
  'ladder.cancelSells': 'Cancel sells',
  'ladder.cancelAll': 'Cancel all',
  'ladder.quantity': 'Click places {quantity}',
  'ladder.moving': 'Moving {quantity} from {from} to {to}. Enter moves, Escape keeps.',
  'ladder.empty': 'No price is known yet.',
} as const;

export const ja: Record<keyof typeof en, string> = {
  'ladder.name': '板発注 {symbol}',
  'ladder.ownHint': 'クリックで取消、ドラッグで訂正',
  'ladder.last': '現在値',
  'ladder.follow': '気配に追従',
  'ladder.cancelBuys': '買注文取消',
  'ladder.cancelSells': '売注文取消',
  'ladder.cancelAll': '全取消',
  'ladder.quantity': 'クリックで {quantity} 発注',
  'ladder.moving': '{quantity} を {from} から {to} へ訂正。Enter で確定、Esc で中止。',
  'ladder.empty': '値段の情報がまだありません。',
};
