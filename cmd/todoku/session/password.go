package session

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"todoku/cmd/todoku/cli"
)

// Passwords come from a file, the environment or a prompt without echo, and never
// from an argument: arguments stand in the shell's history and in every list of
// processes.

// PasswordSource is where a command gets a password from.
type PasswordSource struct {
	File     string // --password-file
	Variable string // environment
	Prompt   string
	Twice    bool // a new one is typed twice
}

// errNoTerminal says that nobody can be asked.
var errNoTerminal = errors.New("standard input is not a terminal, so no password can be asked for")

// ReadPassword returns a password that is not empty.
func (s *Session) ReadPassword(ctx context.Context, from PasswordSource) (string, error) {
	switch value, ok := s.LookupEnv(from.Variable); {
	case from.File != "":
		return passwordFile(from.File)
	case ok && value != "":
		return value, nil
	}
	password, err := s.ask(ctx, from.Prompt)
	if errors.Is(err, errNoTerminal) {
		return "", cli.Usagef("%w; give --password-file or set %s", err, from.Variable)
	}
	if err != nil {
		return "", err
	}
	if from.Twice {
		again, err := s.ask(ctx, "Again: ")
		if err != nil {
			return "", err
		}
		if again != password {
			return "", errors.New("the two passwords differ; nothing was changed")
		}
	}
	if password == "" {
		return "", errors.New("the password is empty; nothing was changed")
	}
	return password, nil
}

// passwordFile reads a file's first line.
func passwordFile(name string) (string, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return "", fmt.Errorf("password: %w", err)
	}
	line, _, _ := strings.Cut(string(data), "\n")
	if line = strings.TrimSuffix(line, "\r"); line == "" {
		return "", fmt.Errorf("password: the first line of %s is empty", name)
	}
	return line, nil
}

// ask reads a line from the terminal without showing it.
func (s *Session) ask(ctx context.Context, prompt string) (string, error) {
	file, ok := s.In.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return "", errNoTerminal
	}
	s.Say("%s", prompt)
	defer s.Say("\n")
	before, err := term.GetState(int(file.Fd()))
	if err != nil {
		return "", fmt.Errorf("password: %w", err)
	}
	// An interrupt while reading must not leave the shell without echo. The read
	// itself cannot be interrupted; the process ends with it pending.
	type typed struct {
		text []byte
		err  error
	}
	done := make(chan typed, 1)
	go func() {
		text, err := term.ReadPassword(int(file.Fd()))
		done <- typed{text, err}
	}()
	select {
	case t := <-done:
		if t.err != nil && !errors.Is(t.err, io.EOF) {
			return "", fmt.Errorf("password: %w", t.err)
		}
		return string(t.text), nil
	case <-ctx.Done():
		return "", errors.Join(ctx.Err(), term.Restore(int(file.Fd()), before))
	}
}

// askName reads a line that may be seen.
func (s *Session) askName(prompt string) (string, error) {
	if !cli.IsTerminal(s.In) {
		return "", cli.Usagef("no user is named; run todoku login NAME, or set TODOKU_USER")
	}
	s.Say("%s", prompt)
	line, err := bufio.NewReader(s.In).ReadString('\n')
	if err != nil && line == "" {
		return "", fmt.Errorf("name: %w", err)
	}
	return strings.TrimSpace(line), nil
}
