module tidewater.example/operations/gate-control

go 1.24
