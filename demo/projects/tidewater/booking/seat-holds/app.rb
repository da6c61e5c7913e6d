require "json"
require "net/http"

RESERVATIONS = URI(ENV.fetch("RESERVATIONS_URL"))

# Old apps send one seat at a time; the booking engine wants the whole party.
run lambda { |env|
  seat = JSON.parse(env["rack.input"].read)
  answer = Net::HTTP.post(RESERVATIONS, { sailing: seat["sailing"], adults: 1 }.to_json)
  [answer.code.to_i, { "content-type" => "application/json" }, [answer.body]]
}
