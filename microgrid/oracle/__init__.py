"""The oracle's judgement of a message: accepted, refused with a reason, or known already. No I/O happens here."""

from microgrid.oracle.verify import FINAL_REASONS, Duplicate, Verdict, Verifier
from microgrid.oracle.window import GAP_WINDOW, advance

__all__ = ["FINAL_REASONS", "GAP_WINDOW", "Duplicate", "Verdict", "Verifier", "advance"]
