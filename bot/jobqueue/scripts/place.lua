-- Returns a job's place in line from 1, or 0 when it does not wait. ARGV: id.
return { place_of(ARGV[1]) }
