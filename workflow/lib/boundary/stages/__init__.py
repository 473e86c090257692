"""The stages' commands: parse arguments, read, one library call, write."""
