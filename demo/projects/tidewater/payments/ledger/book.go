// Package ledger keeps entries that are written once and never changed.
package ledger

import "errors"

// Entry moves an amount from one account to another.
type Entry struct {
	ID            string
	Debit, Credit string
	Cents         int64
}

// Book holds entries in the order they were written.
type Book struct {
	entries []Entry
	seen    map[string]bool
}

// Write adds an entry; the same id twice adds it once.
func (b *Book) Write(e Entry) error {
	if e.Cents <= 0 || e.Debit == e.Credit {
		return errors.New("an entry moves a positive amount between two accounts")
	}
	if b.seen == nil {
		b.seen = map[string]bool{}
	}
	if !b.seen[e.ID] {
		b.seen[e.ID] = true
		b.entries = append(b.entries, e)
	}
	return nil
}

// Balance is what came into an account less what went out.
func (b *Book) Balance(account string) (cents int64) {
	for _, e := range b.entries {
		if e.Credit == account {
			cents += e.Cents
		}
		if e.Debit == account {
			cents -= e.Cents
		}
	}
	return cents
}
