package sqlite

import (
	"context"
	"sync"
)

// nameTable is the table names in memory: a venue has few symbols, accounts and
// users, and rows name them by number. Numbers begin at 1; 0 is the empty name.
// Queries read it while the writer adds to it.
type nameTable struct {
	mu      sync.RWMutex // protects what follows
	numbers map[string]int64
	names   []string // names[n-1] has number n
	fresh   int      // how many at the end are not in the file yet
}

func loadNames(ctx context.Context, from querier) (*nameTable, error) {
	n := &nameTable{}
	return n, n.reload(ctx, from)
}

// reload reads the names from the file.
func (n *nameTable) reload(ctx context.Context, from querier) error {
	names, err := collect(ctx, from, func(row scanner, name *string) error { return row.Scan(name) }, "SELECT name FROM names ORDER BY id")
	if err != nil {
		return err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.names, n.fresh = names, 0
	n.numbers = make(map[string]int64, len(names))
	for i, name := range names {
		n.numbers[name] = int64(i + 1)
	}
	return nil
}

func (n *nameTable) clear() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.names, n.fresh = nil, 0
	clear(n.numbers)
}

// settle says that the transaction that wrote the fresh names is committed.
func (n *nameTable) settle() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.fresh = 0
}

// number returns a name's number, making one if needed. Only the writer calls it.
func (n *nameTable) number(name string) int64 {
	if name == "" {
		return 0
	}
	// Nobody else writes, so reading needs no lock here.
	if number, ok := n.numbers[name]; ok {
		return number
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.names = append(n.names, name)
	n.fresh++
	number := int64(len(n.names))
	n.numbers[name] = number
	return number
}

// unwritten returns the names that the transaction must add, and the number of
// the first. Only the writer calls it.
func (n *nameTable) unwritten() (names []string, first int64) {
	from := len(n.names) - n.fresh
	return n.names[from:], int64(from + 1)
}

// find returns a name's number, and false for a name that is nowhere.
func (n *nameTable) find(name string) (int64, bool) {
	n.mu.RLock()
	defer n.mu.RUnlock()
	number, ok := n.numbers[name]
	return number, ok
}

// name returns the name of a number.
func (n *nameTable) name(number int64) string {
	n.mu.RLock()
	defer n.mu.RUnlock()
	if number < 1 || number > int64(len(n.names)) {
		return ""
	}
	return n.names[number-1]
}
