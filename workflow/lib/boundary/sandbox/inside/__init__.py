"""What runs inside the sandbox. It sees Python's standard library, numpy, and nothing else of ours."""
