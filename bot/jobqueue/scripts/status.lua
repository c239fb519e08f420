-- Returns a job's place in line from 1 (0 when it does not wait), eta, own. ARGV: caps, id.
-- O(log n)
return waiting_by_id(ARGV[3], now_ms())
