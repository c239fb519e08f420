"""Discord apart from the cogs: client, REST replies, endpoints. Used by `app` and the worker."""
