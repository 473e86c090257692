import shutil
from pathlib import Path

import pytest
from config_files import ROOT
from hypothesis import settings

# A slow machine is no failure.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")


@pytest.fixture
def config(tmp_path):
    """A copy of the folder config."""
    return Path(shutil.copytree(ROOT / "config", tmp_path / "config"))
