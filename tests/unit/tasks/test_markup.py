"""Text of others in Markdown: it shows as it is and never acts."""

from __future__ import annotations

import html
import re

import pytest
from markdown_it import MarkdownIt

from prefect_kie.run_page.markdown import cell, code, escaped, link, plain, target, web_address

EVIL = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "[click](javascript:alert(1))",
    "![x](https://evil.example/pixel.png)",
    "`code` and ``more`` ```",
    "a | b | c",
    "# heading\n\n- list\n1. more\n\n> quote\n---\n===",
    "*bold* __very__ ~~gone~~ \\*not\\*",
    "&lt;script&gt; &#60;b&#62; &copy;",
    "<https://evil.example> www.evil.example https://evil.example mail@evil.example",
    "[ref]: https://evil.example 'x'\n[ref]",
    "$$x$$ ^up^ {{ curly }} @handle",
]


def rendered(markdown: str) -> str:
    """As a UI may render it: with HTML let through, tables, and addresses made links."""
    return str(MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).render(markdown))


@pytest.mark.parametrize("text", EVIL)
def test_escaped_text_shows_as_it_is(text: str) -> None:
    shown = rendered(f"- **Prompt:** {escaped(text)}")
    assert re.findall(r"</?[a-z0-9]+", shown) == [
        "<ul",
        "<li",
        "<strong",
        "</strong",
        "</li",
        "</ul",
    ]
    assert html.unescape(re.sub(r"<[^>]*>", "", shown)).strip() == f"Prompt: {' '.join(text.split())}"
    assert "&#" not in escaped("a: *b* & <c> #1")  # which the classic UI would show


@pytest.mark.parametrize("text", [*EVIL, "`", "``` `` `", r"C:\videos\a.mp4"])
def test_a_code_span_shows_its_text_as_it_is(text: str) -> None:
    shown = rendered(f"- **Saved as:** {code(text)}")
    assert shown.count("<code>") == 1
    inside = shown.partition("<code>")[2].partition("</code>")[0]
    assert html.unescape(inside).strip() == " ".join(text.split())


@pytest.mark.parametrize("text", EVIL)
def test_a_cell_makes_no_tag_no_code_and_no_named_link(text: str) -> None:
    assert not set("<>[]`\n") & set(cell(text))
    assert "href" not in rendered(cell(text))


def test_plain_text_is_one_line_without_what_cannot_be_seen_or_stored() -> None:
    assert plain("a\r\n\tb\x00\x1b[31m\u202ec\u2066 \ud800 👩\u200d🚀", 100) == "a b[31mc ? 👩\u200d🚀"
    assert plain("x" * 300) == "x" * 199 + "…"


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "data:text/html,<script>",
        " javascript:alert(1)",
        "file:///etc/passwd",
        "//evil.example",
        "",
        "http://",
        "http://[",
    ],
)
def test_only_web_addresses_are_links(url: str) -> None:
    assert web_address(url) is None
    assert target(url) is None
    assert "<a" not in rendered(f"see {link('Play', url)}")


def test_an_address_cannot_end_its_link_or_attribute() -> None:
    url = 'https://files.example/a b)"><script>\n[x](y)?p=1&copy=2#`'
    assert rendered(f"<p>{link('Play', 'x')}</p>")
    shown = rendered(f"see {link('Play', url)}")
    assert shown.count("<a ") == 1
    assert "<script" not in shown
    assert (
        'href="https://files.example/a%20b%29%22%3E%3Cscript%3E%0A%5Bx%5D%28y%29?p=1&amp;copy=2#%60"' in shown
    )
    address = target(url)
    assert address is not None
    assert not set("\"'<>() `\n") & set(address)
