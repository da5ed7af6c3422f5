package session

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"todoku/client"
)

// sessionStore keeps the sessions of one venue between commands: a file for each
// user that only its owner may read, and the name of who signed in last.
type sessionStore struct{ dir string }

// currentFile names the user who signed in last. No user can be called so: names
// begin with a letter.
const currentFile = "_current"

// sessions returns the store of a venue.
func (s *Session) sessions(server string) (sessionStore, error) {
	dir, err := s.ConfigDir()
	if err != nil {
		return sessionStore{}, fmt.Errorf("no place to keep sessions: %w", err)
	}
	return sessionStore{filepath.Join(dir, "todoku", "sessions", fileName(server))}, nil
}

// fileName turns what a person typed into the name of a file, one to one.
func fileName(text string) string {
	var b strings.Builder
	for _, c := range []byte(text) {
		switch {
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9', c == '.', c == '-':
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "_%02x", c)
		}
	}
	name := b.String()
	if strings.Trim(name, ".") == "" {
		return "_dots" + name
	}
	return name
}

// load returns a user's session; the latest user's for "". A session that is not
// there, or cannot be decoded, is zero.
func (s sessionStore) load(user string) (client.Session, error) {
	if user == "" {
		current, err := readIfThere(filepath.Join(s.dir, currentFile))
		if err != nil || current == nil {
			return client.Session{}, err
		}
		user = strings.TrimSpace(string(current))
	}
	data, err := readIfThere(s.path(user))
	if err != nil {
		return client.Session{}, err
	}
	var session client.Session
	if json.Unmarshal(data, &session) != nil || session.User != user {
		return client.Session{}, nil //nolint:nilerr // A damaged session is none: signing in again writes a good one.
	}
	return session, nil
}

// readIfThere reads a file; nil where there is none.
func readIfThere(name string) ([]byte, error) {
	data, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("session: %w", err)
	}
	return data, nil
}

// save keeps a session.
func (s sessionStore) save(session client.Session) error {
	data, err := json.MarshalIndent(session, "", "  ") //nolint:gosec // Keeping the tokens is what the file is for.
	if err != nil {
		return fmt.Errorf("session: %w", err)
	}
	return WritePrivate(s.path(session.User), data)
}

// makeCurrent makes a user the one who signed in last. Only "todoku login" does this: a
// program that runs in the background as somebody else must not change who the next
// command runs as.
func (s sessionStore) makeCurrent(user string) error {
	return WritePrivate(filepath.Join(s.dir, currentFile), []byte(user+"\n"))
}

// remove forgets a user's session.
func (s sessionStore) remove(user string) error {
	if err := os.Remove(s.path(user)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("session: %w", err)
	}
	return nil
}

func (s sessionStore) path(user string) string {
	return filepath.Join(s.dir, fileName(user)+".json")
}

// WritePrivate replaces a file that only its owner may read. Another process sees
// the old or the new one, never half of either.
func WritePrivate(path string, data []byte) (err error) {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("keep %s: %w", path, err)
	}
	file, err := os.CreateTemp(dir, ".new-*") // Made with mode 0600.
	if err != nil {
		return fmt.Errorf("keep %s: %w", path, err)
	}
	defer func() {
		if err != nil {
			_ = os.Remove(file.Name())
			err = fmt.Errorf("keep %s: %w", path, err)
		}
	}()
	_, err = file.Write(data)
	if err = errors.Join(err, file.Close()); err != nil {
		return err
	}
	return os.Rename(file.Name(), path)
}
