// The Japanese catalogue.
import type { Key } from './en';

export const ja: Record<Key, string> = {
  'app.title': '届く Todoku',

  'app.failed': '画面に障害が発生しました。古い情報を表示しないよう停止しています。',
  'app.reload': '再読み込み',

  'session.signIn': 'ログイン',
  'session.signingIn': 'ログイン中…',
  'session.signOut': 'ログアウト',
  'session.user': 'ユーザー名',
  'session.password': 'パスワード',
  'session.unreachable': '取引所に接続できません。再試行しています…',

  'feed.off': '未ログイン',
  'feed.waiting': '待機中：このブラウザーで使えるストリームを他のタブが使用しています。いずれかを閉じてください。',
  'feed.connecting': '接続中…',
  'feed.catchingUp': '同期中…',
  'feed.live': 'ライブ',
  'feed.stale': '{age} 秒間更新なし',
  'feed.retrying': '接続が切れました。{seconds} 秒後に再接続します',
  'feed.superseded': '別のウィンドウが引き継ぎました',
  'feed.supersededHelp': 'この画面は更新されません。一つの接続を表示できるウィンドウは一つだけです。',
  'feed.takeOver': 'この画面で引き継ぐ',
  'feed.refused': '取引所がストリームを拒否しました：{text}',
  'feed.lag': '{ms} ミリ秒',
  'feed.replayed.one': '再開しました。1 件を再送',
  'feed.replayed.other': '再開しました。{n} 件を再送',
  'feed.lastSeen': '{time} 現在',

  'panel.instruments': '銘柄',
  'panel.depth': '板',
  'panel.prints': '歩み値',
  'panel.orders': '注文一覧',
  'panel.ticket': '注文',

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

  'side.buy': '買',
  'side.sell': '売',
};
