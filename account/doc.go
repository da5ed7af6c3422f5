// Package account answers who is calling: credentials, sessions, tokens,
// connections, and the access log that says who came, from where and how it
// ended. It knows nothing of trading. What a user may do, and whether a user is
// suspended, is in the engine's journal; here a user is a name.
//
// Life of a session: [Service.Login] checks a password and makes a session with
// its first connection, a short-lived access token and a refresh token.
// [Service.Verify] checks an access token, as a rule without touching the store.
// [Service.Refresh] exchanges the refresh token for the next one and moves the
// session's end; an old refresh token that comes back after its successor was used
// means that two hold it, and ends the session. A session ends by
// [Service.Logout], [Service.Revoke], a change of password, reuse or age, and
// Config.OnEnd hears of each end exactly once per process, after it is durable.
//
// Everything but the last lines of the access log survives a restart: sessions,
// connections, lock-outs, signing keys. Nobody types a password because the
// server was restarted.
//
// Concurrency: every method of [Service] may be called from any goroutine. No
// method holds a lock while it calls the store or a listener. Service starts no
// goroutine; [Service.Run] does the background work in its caller's, and what it
// returned for is written down. There is no Close: stop calling, end Run, close
// the store.
package account
