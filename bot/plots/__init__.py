"""Pictures for Discord: pure drawing to PNG bytes; matplotlib is imported when one is drawn."""
