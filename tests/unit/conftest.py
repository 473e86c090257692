import os
import shutil
from pathlib import Path
from unittest import mock

import pytest
from config_files import ROOT
from hypothesis import settings

# A slow machine is no failure.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")


@pytest.fixture(autouse=True)
def own_environment():
    """What a test sets in the environment, or a stage that it runs in this process, is gone after it.

    A GPU that one claimed would else be a GPU of the whole run, and the next job wait for it for ever.
    """
    with mock.patch.dict(os.environ):
        yield


@pytest.fixture
def config(tmp_path):
    """A copy of the folder config."""
    return Path(shutil.copytree(ROOT / "config", tmp_path / "config"))
