package ledger

import "testing"

func TestSameEntryTwiceCountsOnce(t *testing.T) {
	var book Book
	entry := Entry{ID: "1", Debit: "cards", Credit: "tickets", Cents: 11800}
	for range 2 {
		if err := book.Write(entry); err != nil {
			t.Fatal(err)
		}
	}
	if got := book.Balance("tickets"); got != 11800 {
		t.Errorf("balance is %d, want 11800", got)
	}
}
