"""Did post-training widen what a language model can solve, or only make the base find it sooner?"""

__version__ = "0.1.0"
