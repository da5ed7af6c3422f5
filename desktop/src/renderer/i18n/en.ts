// The English catalogue. Its keys are the catalogue of every other language; {name} is
// filled in.
export const en = {
  'app.title': 'Todoku',

  'app.failed': 'This screen failed and shows nothing rather than something old.',
  'app.reload': 'Load it again',

  'session.signIn': 'Sign in',
  'session.signingIn': 'Signing in…',
  'session.signOut': 'Sign out',
  'session.user': 'User',
  'session.password': 'Password',
  'session.unreachable': 'The venue cannot be reached. Trying again…',

  'feed.off': 'Signed out',
  'feed.waiting': 'Waiting: other tabs hold the streams that this browser allows. Close one of them.',
  'feed.connecting': 'Connecting…',
  'feed.catchingUp': 'Catching up…',
  'feed.live': 'Live',
  'feed.stale': 'Stale for {age} s',
  'feed.retrying': 'Connection lost. Next attempt in {seconds} s',
  'feed.superseded': 'Another window took over',
  'feed.supersededHelp': 'This screen is no longer updated. Only one window at a time shows a connection.',
  'feed.takeOver': 'Take over here',
  'feed.refused': 'The venue refuses the stream: {text}',
  'feed.lag': '{ms} ms',
  'feed.replayed.one': 'Resumed, 1 message replayed',
  'feed.replayed.other': 'Resumed, {n} messages replayed',
  'feed.lastSeen': 'As of {time}',

  'panel.instruments': 'Instruments',
  'panel.depth': 'Depth',
  'panel.prints': 'Trades',
  'panel.orders': 'Working orders',
  'panel.ticket': 'Order ticket',

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

  'side.buy': 'Buy',
  'side.sell': 'Sell',
} as const;

export type Key = keyof typeof en;
