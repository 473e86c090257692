"""The small world in which the default study's models live."""
