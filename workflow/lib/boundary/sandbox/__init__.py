"""Running programs that nobody trusts.

``inside`` is what runs in the sandbox, on Python's standard library alone. Everything else here is outside:
it starts sandboxes, hands programs and inputs in, and takes plain data out. Expected outputs never go in.
"""
