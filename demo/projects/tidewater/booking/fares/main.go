// Fares says what a sailing costs.
package main

import (
	"encoding/json"
	"log"
	"net/http"
	"strconv"
	"time"
)

const (
	perAdult   = 2450
	perVehicle = 6900
)

type fare struct {
	Sailing    string    `json:"sailing"`
	Amount     int       `json:"amount"`
	Currency   string    `json:"currency"`
	ValidUntil time.Time `json:"validUntil"`
}

func amount(adults, vehicles int) int {
	return adults*perAdult + vehicles*perVehicle
}

func number(r *http.Request, name string, fallback int) int {
	if n, err := strconv.Atoi(r.URL.Query().Get(name)); err == nil {
		return n
	}
	return fallback
}

func fares(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(fare{
		Sailing:    r.URL.Query().Get("sailing"),
		Amount:     amount(number(r, "adults", 1), number(r, "vehicles", 0)),
		Currency:   "EUR",
		ValidUntil: time.Now().Add(10 * time.Minute),
	})
}

func main() {
	http.HandleFunc("/fares", fares)
	log.Fatal(http.ListenAndServe(":8080", nil))
}
