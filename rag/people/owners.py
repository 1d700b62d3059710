"""Whose something is: an owner is a plain string, the same wherever chats, documents and rows are
kept.

``""`` is the one person of an installation without login, and whoever uses the command line. With
login, the owner is the name a person logs in with: of a password or header login as it is, of
OAuth with its provider before it (``github:ann``). ``None`` is nobody: not logged in. Nothing may
be found, opened or changed by another owner than its own. The library belongs to no owner: all may
read it, and only the command line and the documents folder change it where there is a login.
"""

from __future__ import annotations

import re
from typing import Literal

from rag.errors import SettingsError

Login = Literal["none", "password", "header", "oauth"]
Owner = str

LOCAL: Owner = ""
LOCAL_NAME = "local"  # by which the page knows the one person, because it needs a name
_NAME = re.compile(r"[^\s\x00-\x1f\x7f/\\]([^\x00-\x1f\x7f/\\]{0,98}[^\s\x00-\x1f\x7f/\\])?")


def owner_of(name: str) -> Owner:
    """Of the name in a login's cookie.

    >>> owner_of("local"), owner_of("ann")
    ('', 'ann')
    """
    return LOCAL if name == LOCAL_NAME else name


def name_of(owner: Owner) -> str:
    return owner or LOCAL_NAME


def checked(name: str) -> Owner:
    """A name as a person may have it. Raises SettingsError."""
    if not _NAME.fullmatch(name) or name.casefold() == LOCAL_NAME:
        raise SettingsError(
            "A name has 1 to 100 characters, no slashes and no spaces at its ends, and is not "
            f"“{LOCAL_NAME}”."
        )
    return name
