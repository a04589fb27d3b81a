-- Asks what the file in BENCH_REQUESTS holds, one request after the other, with a number of its own where
-- there is a unit separator, and says in JSON how it went.
local requests = {}
local position = 0
local sent = 0

function init()
  local file = assert(io.open(os.getenv("BENCH_REQUESTS"), "rb"))
  for text in file:read("*a"):gmatch("[^\30]+") do
    requests[#requests + 1] = text
  end
  file:close()
end

function request()
  position = position % #requests + 1
  sent = sent + 1
  return (requests[position]:gsub("\31", sent))
end

function done(summary, latency)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.timeout
  io.write(string.format(
    '{"requests":%d,"microseconds":%d,"p50":%d,"p99":%d,"refused":%d,"failed":%d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), errors.status, failed
  ))
end
