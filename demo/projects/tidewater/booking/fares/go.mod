module tidewater.example/booking/fares

go 1.24
