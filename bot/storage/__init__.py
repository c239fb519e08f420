"""Redis for all rooms that keep something there: clients, scripts, the embedded server."""
