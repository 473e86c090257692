"""Trainings at the paper's scale: VeRL, on GPUs, with this project's problems, prompts and verifier."""
