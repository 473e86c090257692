"""Sheets for a person to judge: answers and chains of thought of a cell, laid out and read back."""
