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

// sessionStore keeps the sessions of one venue between commands: for each user a file that
// only its owner may read, and the name of the user who signed in last.
type sessionStore struct {
	dir string
	// missing is why there is no directory, as for a process without HOME: it has no kept
	// session, signs in with TODOKU_USER and TODOKU_PASSWORD, and keeps nothing.
	missing error
}

// currentFile holds the name of the user who signed in last. It cannot be the file of a
// user, because user names begin with a letter.
const currentFile = "_current"

func (s *Session) sessions(server string) sessionStore {
	dir, err := s.ConfigDir()
	if err != nil {
		return sessionStore{missing: fmt.Errorf("no place to keep sessions: %w; set HOME", err)}
	}
	return sessionStore{dir: filepath.Join(dir, "todoku", "sessions", fileName(server))}
}

// fileName makes a file name of any text. Different texts have different names.
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
	if strings.Trim(b.String(), ".") == "" {
		return "_dots" + b.String()
	}
	return b.String()
}

// load returns a user's session, or for "" that of the user who signed in last. It returns
// zero if there is none or it cannot be decoded.
func (s sessionStore) load(user string) (session client.Session, err error) {
	if s.missing != nil {
		return client.Session{}, nil //nolint:nilerr // It has none.
	}
	if user == "" {
		if user, err = ReadText(filepath.Join(s.dir, currentFile)); user == "" {
			return client.Session{}, err
		}
	}
	data, err := ReadText(s.path(user))
	if err != nil {
		return client.Session{}, err
	}
	if json.Unmarshal([]byte(data), &session) != nil || session.User != user {
		return client.Session{}, nil //nolint:nilerr // The next sign-in replaces a damaged session.
	}
	return session, nil
}

func (s sessionStore) save(session client.Session) error {
	if s.missing != nil {
		return nil //nolint:nilerr // It keeps none.
	}
	data, err := json.MarshalIndent(session, "", "  ") //nolint:gosec // Keeping the tokens is what the file is for.
	if err != nil {
		return fmt.Errorf("session: %w", err)
	}
	return WritePrivate(s.path(session.User), data)
}

// makeCurrent notes who signed in last. Only "todoku login" does this: a program that runs
// in the background as another user must not change the user of the next command.
func (s sessionStore) makeCurrent(user string) error {
	if s.missing != nil {
		return s.missing
	}
	return WritePrivate(filepath.Join(s.dir, currentFile), []byte(user+"\n"))
}

func (s sessionStore) remove(user string) error {
	if err := os.Remove(s.path(user)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("session: %w", err)
	}
	return nil
}

func (s sessionStore) path(user string) string {
	return filepath.Join(s.dir, fileName(user)+".json")
}

// ReadText returns the text of a file without white space around it, or "" if there is no
// file.
func ReadText(path string) (string, error) {
	data, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	return strings.TrimSpace(string(data)), nil
}

// WritePrivate replaces a file that only its owner may read. Other processes see the whole
// old file or the whole new one.
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
