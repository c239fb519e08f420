"""llama.cpp's C functions, from whichever package brings them. Used by engines and import."""
