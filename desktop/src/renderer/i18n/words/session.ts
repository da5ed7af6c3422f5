// Words of signing in, in every language.

export const en = {
  'session.signIn': 'Sign in',
  'session.signingIn': 'Signing in…',
  'session.signOut': 'Sign out',
  'session.user': 'User',
  'session.password': 'Password',
  'session.unreachable': 'The venue cannot be reached. Trying again…',
} as const;

export const ja: Record<keyof typeof en, string> = {
  'session.signIn': 'ログイン',
  'session.signingIn': 'ログイン中…',
  'session.signOut': 'ログアウト',
  'session.user': 'ユーザー名',
  'session.password': 'パスワード',
  'session.unreachable': '取引所に接続できません。再試行しています…',
};
