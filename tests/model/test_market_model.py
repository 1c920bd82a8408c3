"""Whatever anybody does in whatever order, the contracts do what the reference does: same refusals, same accounts.

Among those who act are a home with several accounts that splits its orders and trades with itself, a relay that hands
in orders, cancellations and readings again or from elsewhere, somebody who gives tokens away, and a token that keeps a
fee and calls back.
"""

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from model.delivery_rules import DeliveryRules
from model.play import Play

MANY = 50
SLOW_STEPS, QUICK_STEPS = 5_000, 300
MUST_BE_REACHED = (
    "GateClosed",
    "EnforcedPause",
    "BAD_SIGNATURE",
    "NONCE_USED",
    "STALE_SEQUENCE",
    "Reentrant",
    "fee token",
    "split order",
    "wash trade",
    "donation",
    "BackstopUnfunded",
    "POWER_EXCEEDED",
    "AlreadyCancelled",
    "relayed cancellation AlreadyCancelled",
    "CancellationExpired",
    "NoOrder",
    "OfferExpired",
    "OfferNotOpen",
    "NotYourOffer",
    "InvalidExpiry",
)


class Market(DeliveryRules):
    """Each rule acts on both sides; after each, both must agree on every number."""


def check(examples: int, least: int, phases: tuple[Phase, ...] = (Phase.generate, Phase.shrink)) -> None:
    """Run histories and count what was checked."""
    Play.steps = 0
    Play.outcomes.clear()
    profile = settings(
        derandomize=True,  # what must have been reached is asserted below, so chance may not decide it
        max_examples=examples,
        stateful_step_count=50,
        deadline=None,
        database=None,
        phases=phases,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(Market, settings=profile)
    print(f"{Play.steps} checked steps:", dict(sorted(Play.outcomes.items())))  # noqa: T201 - shown by pytest -s
    assert Play.steps >= least


def test_contracts_and_reference_agree_in_some_histories() -> None:
    check(12, QUICK_STEPS)


def test_one_micro_is_not_overlooked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("model.reference.floor_micro", lambda amount_nano: -(-amount_nano // 1_000))
    with pytest.raises(AssertionError):
        check(50, 0, (Phase.generate,))


def test_a_deals_own_price_is_not_overlooked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("microgrid.domain.records.DirectDeals.gain_nano", lambda _deals, _price: 0)
    with pytest.raises(AssertionError):
        check(50, 0, (Phase.generate,))


@pytest.mark.slow
def test_contracts_and_reference_agree_in_five_thousand_steps() -> None:
    """Hypothesis draws otherwise with other modules loaded: what it has not reached by then gets more histories."""
    for examples in (150, 300, 600):
        check(examples, SLOW_STEPS)
        reached = " ".join(Play.outcomes)
        missed = [word for word in MUST_BE_REACHED if word not in reached]
        if not missed:
            break
    assert missed == []
    assert Play.outcomes["interval with trade closed"] > MANY
    assert Play.outcomes["interval with deals closed"] > MANY // 2
