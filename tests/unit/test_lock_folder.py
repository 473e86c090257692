"""A folder of locks that somebody else could have laid, or left."""

import os

import pytest
from boundary.data.lock_folder import lock_folder
from boundary.errors import BoundaryError


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


def test_it_is_made_once_for_the_user_alone(temporary):
    folder = lock_folder("locks")
    assert folder == lock_folder("locks") == temporary / f"locks-{os.geteuid()}"
    assert folder.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    "lay",
    [
        lambda folder: folder.touch(),
        lambda folder: folder.symlink_to("/nowhere"),
        lambda folder: folder.mkdir(mode=0o777),
    ],
    ids=["a file", "a link", "open to all"],
)
def test_what_others_may_have_laid_is_refused(temporary, lay):
    folder = temporary / f"locks-{os.geteuid()}"
    before = os.umask(0)
    lay(folder)
    os.umask(before)
    with pytest.raises(BoundaryError, match=f"{folder}: must be a folder of your own"):
        lock_folder("locks")
