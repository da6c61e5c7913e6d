// Gate opens for a code that is right and was not used before.
package main

import "fmt"

type gate struct {
	used map[string]bool
}

func (g *gate) pass(code string, right func(string) bool) bool {
	if g.used[code] || !right(code) {
		return false
	}
	g.used[code] = true
	return true
}

func main() {
	g := gate{used: map[string]bool{}}
	fmt.Println(g.pass("HV2Q7A", func(string) bool { return true }))
}
