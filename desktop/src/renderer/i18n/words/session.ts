// Words of signing in, in every language.

export const en = {
  'session.signIn': 'Sign in',
  'session.signingIn': 'Signing in…',
  'session.signOut': 'Sign out',
  'session.user': 'User',
  'session.password': 'Password',
  'session.unreachable': 'The venue cannot be reached. Try again in a moment.',
  'session.resuming': 'The venue cannot be reached. Your session resumes when it can be reached.',
  'session.why.BAD_CREDENTIALS': 'The user name or the password is wrong.',
  'session.why.LOCKED_OUT': 'Too many wrong passwords. Try again in {seconds} s.',
  'session.why.SIGN_IN_RATE': 'Too many sign-ins at once. Try again in {seconds} s.',
  'session.why.SESSION_EXPIRED': 'The session has expired. Sign in again.',
  'session.why.SESSION_REVOKED': 'The session was ended elsewhere: by the venue, or by you in another window. Sign in again.',
  'session.why.USER_SUSPENDED': 'This user is suspended. Ask an administrator.',
  'session.why.TOKEN_REUSED': 'The session was ended because its key was used twice: somebody else may have it. Sign in again.',
  'session.why.BAD_TOKEN': 'The session cannot continue here. Sign in again.',
  'session.why.NO_TOKEN': 'The session cannot continue here. Sign in again.',
} as const;

export const ja: Record<keyof typeof en, string> = {
  'session.signIn': 'ログイン',
  'session.signingIn': 'ログイン中…',
  'session.signOut': 'ログアウト',
  'session.user': 'ユーザー名',
  'session.password': 'パスワード',
  'session.unreachable': '取引所に接続できません。しばらくしてからもう一度お試しください。',
  'session.resuming': '取引所に接続できません。接続でき次第、セッションを再開します。',
  'session.why.BAD_CREDENTIALS': 'ユーザー名またはパスワードが正しくありません。',
  'session.why.LOCKED_OUT': 'パスワードの誤りが続いたため、{seconds} 秒間ログインできません。',
  'session.why.SIGN_IN_RATE': 'ログインが集中しています。{seconds} 秒後にもう一度お試しください。',
  'session.why.SESSION_EXPIRED': 'セッションの有効期限が切れました。もう一度ログインしてください。',
  'session.why.SESSION_REVOKED': 'セッションが取引所または別のウィンドウで終了されました。もう一度ログインしてください。',
  'session.why.USER_SUSPENDED': 'このユーザーは停止されています。管理者にお問い合わせください。',
  'session.why.TOKEN_REUSED': 'セッションの鍵が二度使用されたため、第三者による使用の可能性を考え終了しました。もう一度ログインしてください。',
  'session.why.BAD_TOKEN': 'この画面ではセッションを続けられません。もう一度ログインしてください。',
  'session.why.NO_TOKEN': 'この画面ではセッションを続けられません。もう一度ログインしてください。',
};
