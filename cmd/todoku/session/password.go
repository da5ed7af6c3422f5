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

// PasswordSource says where a password comes from: a file, the environment or a prompt
// without echo. It is never an argument, because the shell's history and lists of
// processes show arguments.
type PasswordSource struct {
	File     string // --password-file
	Variable string // environment
	Prompt   string
	Twice    bool // a new password is typed twice
}

// ReadPassword returns a password that is not empty.
func (s *Session) ReadPassword(ctx context.Context, from PasswordSource) (string, error) {
	switch value, ok := s.LookupEnv(from.Variable); {
	case from.File != "":
		return passwordFile(from.File)
	case ok && value != "":
		return value, nil
	}
	if !cli.IsTerminal(s.In) {
		return "", cli.Usagef("standard input is not a terminal, so no password can be asked for; give --password-file or set %s", from.Variable)
	}
	password, err := s.ask(ctx, from.Prompt)
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
	terminal := int(s.In.(*os.File).Fd()) //nolint:forcetypeassert // Only a file is a terminal.
	s.Say("%s", prompt)
	defer s.Say("\n")
	before, err := term.GetState(terminal)
	if err != nil {
		return "", fmt.Errorf("password: %w", err)
	}
	// An interrupt must not leave the shell without echo. It cannot end the read, which is
	// still pending when the process ends.
	var text []byte
	done := make(chan error, 1)
	go func() {
		line, err := term.ReadPassword(terminal)
		text = line
		done <- err
	}()
	select {
	case err := <-done:
		if err != nil && !errors.Is(err, io.EOF) {
			return "", fmt.Errorf("password: %w", err)
		}
		return string(text), nil
	case <-ctx.Done():
		return "", errors.Join(ctx.Err(), term.Restore(terminal, before))
	}
}

func (s *Session) askName() (string, error) {
	if !cli.IsTerminal(s.In) {
		return "", cli.Usagef("no user is named; run todoku login NAME, or set TODOKU_USER")
	}
	s.Say("Name: ")
	line, err := bufio.NewReader(s.In).ReadString('\n')
	if err != nil && line == "" {
		return "", fmt.Errorf("name: %w", err)
	}
	return strings.TrimSpace(line), nil
}
