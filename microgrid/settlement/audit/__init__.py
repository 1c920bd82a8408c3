"""Recomputes a market from orders, signed readings and movements of money; `AuditError` names the first difference."""

from microgrid.settlement.audit.compare import check_state, check_stored
from microgrid.settlement.audit.replay import AuditedInterval, Recomputed, recompute

__all__ = ["AuditedInterval", "Recomputed", "check_state", "check_stored", "recompute"]
