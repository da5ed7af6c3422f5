// Words of the connection, in every language.

export const en = {
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
} as const;

export const ja: Record<keyof typeof en, string> = {
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
};
