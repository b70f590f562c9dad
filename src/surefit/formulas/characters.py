"""Unicode to plain text before a formula is read, with every column mapped back to what the user typed.

Chinese keyboards give full-width brackets, commas, digits and letters; documents give true minus signs,
middle dots, superscripts and Greek letters. All of them mean what they look like.
"""

from __future__ import annotations

import unicodedata

_MEANS: dict[str, str] = {
    # minus sign, hyphens and dashes, box-drawing line, katakana dash
    **dict.fromkeys("\u2212\u2010\u2011\u2012\u2013\u2014\u2015\u2500\u30fc\ufe63\uff0d", "-"),
    # multiplication sign, middle dots, bullet operators, asterisk operator
    **dict.fromkeys("\u00d7\u2715\u00b7\u22c5\u2219\u2022\u2027\u30fb\uff65\u2217\u204e", "*"),
    # division sign, fraction slash, division slash
    **dict.fromkeys("\u00f7\u2044\u2215", "/"),
    "\u02c6": "^",
    "\u2264": "<=",
    "\u2a7d": "<=",
    "\u2266": "<=",
    "\u2265": ">=",
    "\u2a7e": ">=",
    "\u2267": ">=",
    "\u2260": "!=",
    "\u3002": ".",  # ideographic full stop: the decimal point typed with a Chinese keyboard
    "\u3001": ",",
    "\u03c0": " pi ",  # a word of its own: 2πx is not a variable called pix
    "\u221a": " sqrt ",
    "\u221b": " cbrt ",
    "\u221e": " inf ",
    **dict.fromkeys("\u200b\u200c\u200d\u2060\ufeff", " "),  # invisible, pasted from web pages
}
_RAISED = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻", "0123456789+-", strict=True))


def normalise(text: str) -> tuple[str, list[int]]:
    """Plain text, and for each of its characters the column in `text` that it came from.

    >>> normalise("２x²")
    ('2x**2 ', [0, 1, 2, 2, 2, 2])
    """
    plain: list[str] = []
    columns: list[int] = []
    raised = False  # inside a run of superscripts, which is one exponent

    for column, character in enumerate(text):
        if character in _RAISED:
            means = _RAISED[character] if raised else "**" + _RAISED[character]
            raised = True
        else:
            if raised:  # x²3 is two factors, not x**23
                plain.append(" ")
                columns.append(column - 1)
            raised = False
            means = character if character.isascii() else _plain(character)
        plain.append(means)
        columns.extend([column] * len(means))
    if raised:
        plain.append(" ")
        columns.append(len(text) - 1)
    return "".join(plain), columns


def _plain(character: str) -> str:
    return _MEANS.get(character) or unicodedata.normalize("NFKC", character)


def display_width(text: str) -> int:
    """How many terminal columns `text` takes: East Asian wide characters take two, combining marks none."""
    return sum(_width(c) for c in text)


def _width(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
