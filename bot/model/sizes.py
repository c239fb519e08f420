"""Sizes of files as people read them. Used by downloads, imports and the list of models."""


def bytes_text(count: float) -> str:
    """Such as "548.1 MB": decimal units, as the sources give their sizes."""
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.2f} GB"
