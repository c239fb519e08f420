"""What servers and members have said, used and may use: on Redis, each with a memory twin."""
