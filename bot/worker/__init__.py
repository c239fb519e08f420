"""The worker process: claims jobs, runs the engine, posts replies. Started by `app`."""
