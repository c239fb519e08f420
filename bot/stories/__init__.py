"""Story games: pure rules over an append-only tree of passages; no Discord, Redis or model."""
