package demo

import (
	"testing"

	"go.uber.org/goleak"

	"todoku/internal/apptest"
)

func TestMain(m *testing.M) {
	apptest.Main()
	goleak.VerifyTestMain(m)
}
