"""The tokens of one filter, read from left to right; what does not fit is shown with a caret under it."""

from __future__ import annotations

from typing import Final

from pullstats.errors import UsageError
from pullstats.metrics.dimension import UNKNOWN
from pullstats.metrics.filtering.tokens import Token, filter_error, split_tokens

_MAX_TOKENS: Final = 20_000


class TokenReader:
    """Stands before one token of a filter.

    Attributes:
        text: the filter as written.
    """

    def __init__(self, text: str) -> None:
        """Stand before the first token.

        Args:
            text: the filter as written.

        Raises:
            UsageError: it cannot be cut into tokens, or into too many.
        """
        self.text = text
        self._tokens = split_tokens(text)
        self._at = 0
        if len(self._tokens) > _MAX_TOKENS:
            raise filter_error(f"more than {_MAX_TOKENS:,} words", text, self._tokens[_MAX_TOKENS].position)

    @property
    def here(self) -> Token | None:
        """The token to read next."""
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    def fail(self, reason: str, token: Token | None = None) -> UsageError:
        """Build the error that tells a `reason`, with a caret under a `token`, by default the next one or the end."""
        place = token or self.here
        return filter_error(reason, self.text, place.position if place else len(self.text))

    def pass_over(self) -> None:
        """Go on to the token behind the next one."""
        self._at += 1

    def take(self, word: str) -> bool:
        """Go on where the next token is `word`, a keyword in small letters or a mark; tell whether it is."""
        token = self.here
        if token is not None and word in {token.keyword, token.mark}:
            self._at += 1
            return True
        return False

    def take_unknown(self) -> bool:
        """Take the word that stands in tables or in JSON where a value is missing, out of quotes."""
        token = self.here
        is_unknown = token is not None and not token.is_mark and token.quoted is None and token.text.lower() in {UNKNOWN, "null"}
        self._at += is_unknown
        return is_unknown

    def read_text(self) -> Token:
        """Take a value, which is any token but a mark.

        Raises:
            UsageError: there is none.
        """
        token = self.here
        if token is None:
            raise self.fail("a value is missing here; where none is known, write unknown")
        if token.is_mark:
            raise self.fail(f"expected a value; one that holds {token.text} stands in quotes")
        self._at += 1
        return token
