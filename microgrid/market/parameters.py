"""Checks of the parameters that several market rules have."""

from microgrid.domain.errors import BookError
from microgrid.market.book import LARGEST_PRICE


def check_share(name: str, share: float) -> None:
    """Refuse what is no part of a whole.

    Raises:
        BookError: `share` lies outside 0…1.
    """
    if not 0 <= share <= 1:
        raise BookError(what=name, found=share, right="between 0 and 1")


def check_price(name: str, price: float) -> None:
    """Refuse what is no price of a book.

    Raises:
        BookError: `price` is no number up to 1e9 in size.
    """
    if not abs(price) <= LARGEST_PRICE:
        raise BookError(what=name, found=price, right="a number up to 1e9")


def check_not_negative(name: str, value: float) -> None:
    """Refuse a fee or a cap that cannot be.

    Raises:
        BookError: `value` is negative, or no number up to 1e9.
    """
    if not 0 <= value <= LARGEST_PRICE:
        raise BookError(what=name, found=value, right="between 0 and 1e9")


def check_whole(what: str, value: float) -> int:
    """A whole number, not negative.

    Raises:
        BookError: it is none.
    """
    if not (value >= 0 and value % 1 == 0):
        raise BookError(what=what, found=value, right="a whole number, zero or more")
    return int(value)
