module tidewater.example/payments/ledger

go 1.24
