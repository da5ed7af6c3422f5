package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// Passwords come from a file, the environment or a prompt without echo, and never
// from an argument: arguments stand in the shell's history and in every list of
// processes.

// passwordSource is where a command gets a password from.
type passwordSource struct {
	file     string // --password-file
	variable string // environment
	prompt   string
	twice    bool // a new one is typed twice
}

// errNoTerminal says that there is nobody to ask.
var errNoTerminal = errors.New("no terminal to ask for the password on")

// readPassword returns a password that is not empty.
func (a *app) readPassword(ctx context.Context, from passwordSource) (string, error) {
	switch value, ok := a.lookupEnv(from.variable); {
	case from.file != "":
		return passwordFile(from.file)
	case ok && value != "":
		return value, nil
	}
	password, err := a.ask(ctx, from.prompt)
	if errors.Is(err, errNoTerminal) {
		return "", usagef("%w: give --password-file or %s", err, from.variable)
	}
	if err != nil {
		return "", err
	}
	if from.twice {
		again, err := a.ask(ctx, "Again: ")
		if err != nil {
			return "", err
		}
		if again != password {
			return "", errors.New("the two passwords differ; nothing was changed")
		}
	}
	if password == "" {
		return "", errors.New("no password was given")
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
func (a *app) ask(ctx context.Context, prompt string) (string, error) {
	file, ok := a.in.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return "", errNoTerminal
	}
	a.say("%s", prompt)
	defer a.say("\n")
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
func (a *app) askName(prompt string) (string, error) {
	if !isTerminal(a.in) {
		return "", usagef("say who: todoku login NAME, or TODOKU_USER")
	}
	a.say("%s", prompt)
	line, err := bufio.NewReader(a.in).ReadString('\n')
	if err != nil && line == "" {
		return "", fmt.Errorf("name: %w", err)
	}
	return strings.TrimSpace(line), nil
}
