"""Files that stand in the place of another: what a download leaves when it did not fetch the file itself."""

__all__ = ["START", "refuse_stand_in"]

from rtl_gen.errors import FlowError

START = 64  # bytes that tell
# Beginnings in lower case: what the file is, and how to come by the one that it stands for.
_KINDS = (
    (
        b"version https://git-lfs.github.com/spec/",
        "a Git LFS pointer: it names the file that is wanted, and does not hold it",
        "Run `git lfs pull` in its repository, or fetch the file from its publisher.",
    ),
    (
        b"# xet version",
        "a Git Xet pointer: it names the file that is wanted, and does not hold it",
        "Run `git xet smudge` on it, or fetch the file from its publisher.",
    ),
    (
        b"/annex/objects/",
        "a git-annex pointer: it names the file that is wanted, and does not hold it",
        "Run `git annex get` in its repository.",
    ),
    (
        b"<!doctype html",
        "a web page, saved in the place of the file",
        "Fetch the file itself: the link led to a page about it, or to a login.",
    ),
    (b"<html", "a web page, saved in the place of the file", "Fetch the file itself."),
)


def refuse_stand_in(start: bytes, where: str) -> None:
    """FlowError when a file is a pointer or a page in the place of what was wanted.

    Args:
        start: The first `START` bytes of the file, or more.
        where: The file, for messages.
    """
    begins = start[:START].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    for mark, what, hint in _KINDS:
        if begins.startswith(mark):
            raise FlowError(f"is {what}", where=where, hint=hint)
