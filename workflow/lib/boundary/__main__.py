"""``python -m boundary STAGE ...``"""

from boundary.cli import entry_point

if __name__ == "__main__":
    entry_point()
