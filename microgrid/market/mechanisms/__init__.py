"""Market rules, one file each: a module here offers `clear_book(book, **parameters) -> Clearing`."""
