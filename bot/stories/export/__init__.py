"""Stories as files: to read (Markdown, plain text), to click through (HTML), to keep (JSON)."""
