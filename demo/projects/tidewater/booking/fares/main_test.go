package main

import "testing"

func TestAmount(t *testing.T) {
	if got := amount(2, 1); got != 11800 {
		t.Errorf("two adults and a car: got %d, want 11800", got)
	}
}
