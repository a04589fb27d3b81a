-- Sends the requests of the file BENCH_REQUESTS in order and repeated, from the one at the position BENCH_FIRST on, with a
-- unique number for each unit separator, and prints the results as JSON. Each connection pauses for BENCH_PAUSE_MS between two.
local requests = {}
local position = tonumber(os.getenv("BENCH_FIRST"))
local sent = 0
local pause = tonumber(os.getenv("BENCH_PAUSE_MS"))

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

if pause > 0 then
  function delay()
    return pause
  end
end

function done(summary, latency)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.timeout
  io.write(string.format(
    '{"requests":%d,"microseconds":%d,"p50":%d,"p99":%d,"slowest":%d,"refused":%d,"failed":%d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), latency.max, errors.status, failed
  ))
end
