"""Judging programs by running their tests in a sandbox; expected outputs stay outside it."""
