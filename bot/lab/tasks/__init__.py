"""The tasks of `bardling evaluate`: each reads a data set, asks a model, and counts. Pure."""
