"""Text of others in Markdown and tables of the Prefect UI: it shows as it is and never acts.

Both UIs render artifacts and their descriptions as Markdown with some HTML, so each character that could
begin a structure gets a backslash. (The classic UI shows character references as they are written.)
"""

import html
import re
import unicodedata
from urllib.parse import quote, urlsplit

PROMPT_LENGTH = 2000
_STRUCTURAL = re.compile(r"[\\`*_{}\[\]<>#|&~^$=:@]|(?<=[wW]{3})\.")
_JOINERS = "\u200c\u200d"
"""Of the invisible characters, those that scripts and emoji need; others turn a line's direction."""
_CELL = str.maketrans({"<": "‹", ">": "›", "[": "(", "]": ")", "`": "'"})


def plain(text: object, length: int = 200) -> str:
    """One line without control characters that any database stores, cut to a length."""
    line = " ".join(str(text).encode(errors="replace").decode().split())
    line = "".join(one for one in line if one in _JOINERS or unicodedata.category(one)[0] != "C")
    return line if len(line) <= length else f"{line[: length - 1]}…"


def escaped(text: object, length: int = PROMPT_LENGTH) -> str:
    """Text that shows as it is inside a line of Markdown (not at its beginning)."""
    return _STRUCTURAL.sub(lambda found: f"\\{found[0]}", plain(text, length))


def code(text: object, length: int = 1000) -> str:
    """Text as a code span, to be copied: an id, a path."""
    content = plain(text, length)
    longest = max((len(run) for run in re.findall(r"`+", content)), default=0)
    fence = "`" * (longest + 1)
    space = " " if longest or not content else ""
    return f"{fence}{space}{content}{space}{fence}"


def cell(text: object, length: int = 200) -> str:
    """Text for a table's cell, which one UI shows as Markdown and the other as it is: what could begin a
    structure is replaced by its likes.
    """
    return plain(text, length).translate(_CELL)


def harmless(text: str | None) -> str:
    """Text of others for a file that a spreadsheet opens: none takes it for a formula."""
    return f"'{text}" if text and text[0] in "=+-@\t\r" else text or ""


def web_address(url: str) -> str | None:
    """A URL that can be followed, without a character that could end it; None for all but http(s)."""
    try:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            return None
    except ValueError:
        return None
    return quote(url.encode(errors="replace"), safe="%/:?#@!$&*+,;=~-._")


def target(url: str) -> str | None:
    """The same for a link in Markdown or an attribute in HTML, where `&` begins a character reference."""
    address = web_address(url)
    return html.escape(address) if address else None


def link(text: str, url: str) -> str:
    """A link with a text of ours; the address as a code span where it is none to follow."""
    address = target(url)
    return f"[{text}]({address})" if address else code(url)
