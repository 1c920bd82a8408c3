"""What every database does behind the store port; a test class inherits this and has a fixture `url`, an empty one."""

from collections.abc import Iterator

import pytest
from metering import EPOCH, payload, reading_of

from microgrid.domain.errors import StoreError
from microgrid.domain.records import Reading, ReadingResult, Rejection, RejectionReason
from microgrid.ports import Store
from microgrid.store import open_store

FORGED = Rejection("mg/1/north/meter-0/up/r", RejectionReason.BAD_SIGNATURE, "signed by somebody else", b"\x00forged")


def numbered(*sequences: int, name: str = "meter-0", epoch: int = EPOCH) -> list[Reading]:
    return [reading_of(payload(number, name=name, epoch=epoch)) for number in sequences]


def refused(reading: Reading, reason: RejectionReason = RejectionReason.CLOCK) -> Rejection:
    return Rejection("mg/1/north/meter-0/up/r", reason, "refused", reading.signature + reading.payload)


class StoreBehaviour:
    @pytest.fixture
    def store(self, url: str) -> Iterator[Store]:
        opened = open_store(url)
        yield opened
        opened.close()

    def test_a_reading_comes_back_as_it_was(self, store: Store) -> None:
        readings = numbered(0, 1)
        store.record(readings, [])
        assert store.pending_readings() == readings
        assert store.last_readings() == {"meter-0": readings[1]}
        assert store.stored_payload("meter-0", EPOCH, 1) == readings[1].payload
        assert store.stored_payload("meter-0", EPOCH, 2) is None
        assert store.stored_payload("meter-1", EPOCH, 1) is None

    def test_the_largest_values_that_the_wire_carries_fit(self, store: Store) -> None:
        largest = payload(2**32 - 2, epoch=2**32 - 1, time_s=2**40, import_wh=2**63 - 1, export_wh=2**63 - 1)
        store.record([reading_of(largest)], [])
        assert store.last_readings() == {"meter-0": reading_of(largest)}

    def test_a_known_reading_is_ignored_alone_and_among_new_ones(self, store: Store) -> None:
        store.record(numbered(0, 1), [])
        store.record(numbered(1), [])
        store.record(numbered(0, 1, 2, 2), [])
        assert store.counts()["readings"] == 3
        assert store.pending_readings() == numbered(0, 1, 2)

    def test_the_mark_stops_below_a_gap_and_pending_readings_with_it(self, store: Store) -> None:
        store.record(numbered(0, 1, 3, 4), [])
        assert store.contiguous(["meter-0", "unknown"]) == {"meter-0": (EPOCH, 1)}
        assert store.pending_readings() == numbered(0, 1)
        store.record(numbered(2), [])
        assert store.contiguous(["meter-0"]) == {"meter-0": (EPOCH, 4)}
        assert store.pending_readings() == numbered(0, 1, 2, 3, 4)

    def test_a_first_reading_that_is_missing_leaves_the_mark_before_it(self, store: Store) -> None:
        store.record(numbered(1), [])
        assert store.contiguous(["meter-0"]) == {"meter-0": (EPOCH, -1)}
        assert store.pending_readings() == []

    def test_a_new_epoch_closes_the_gaps_of_the_old_one(self, store: Store) -> None:
        store.record(numbered(0, 2), [])
        later = numbered(0, epoch=EPOCH + 1)
        store.record(later, [])
        assert store.contiguous(["meter-0"]) == {"meter-0": (EPOCH + 1, 0)}
        assert store.pending_readings() == [*numbered(0, 2), *later]

    def test_the_newest_reading_is_of_the_newest_epoch_however_few_it_has(self, store: Store) -> None:
        later = numbered(0, epoch=EPOCH + 1)
        store.record([*numbered(0, 1), *later], [])
        assert store.last_readings() == {"meter-0": later[0]}

    def test_pending_readings_are_sorted_by_device_and_number(self, store: Store) -> None:
        store.record([*numbered(1, 0, name="b"), *numbered(1, 0, name="a")], [])
        assert store.pending_readings() == [*numbered(0, 1, name="a"), *numbered(0, 1, name="b")]

    def test_dead_letters_are_kept_whole_and_repetitions_counted(self, store: Store) -> None:
        other = Rejection(FORGED.topic, RejectionReason.MALFORMED, "no JSON", b"\xff\x00" * 400)
        store.record([], [FORGED, other, FORGED])
        store.record([], [FORGED])
        assert store.dead_letters() == [FORGED, other]
        counts = store.counts()
        assert (counts["dead_letters"], counts["rejected.bad_signature"], counts["rejected.malformed"]) == (2, 3, 1)

    def test_a_finally_refused_reading_fills_its_gap_and_is_found_by_its_key(self, store: Store) -> None:
        poison = numbered(1)[0]
        store.record(numbered(0, 2), [refused(poison, RejectionReason.POWER_EXCEEDED)])
        assert store.contiguous(["meter-0"]) == {"meter-0": (EPOCH, 2)}
        assert store.pending_readings() == numbered(0, 2)
        assert store.stored_payload("meter-0", EPOCH, 1) == poison.payload

    @pytest.mark.parametrize("reason", [RejectionReason.BAD_SIGNATURE, RejectionReason.EQUIVOCATION])
    def test_a_letter_that_proves_nothing_fills_no_gap(self, store: Store, reason: RejectionReason) -> None:
        store.record(numbered(0, 2), [refused(numbered(1)[0], reason)])
        assert store.contiguous(["meter-0"]) == {"meter-0": (EPOCH, 0)}
        assert store.stored_payload("meter-0", EPOCH, 1) is None

    def test_recent_readings_begin_at_the_newest_accepted_one_below_the_mark(self, store: Store) -> None:
        poison = numbered(3)[0]
        store.record([*numbered(0, 1, 2, 4, 6), *numbered(1, name="b")], [refused(poison)])
        found = [(reading.device, reading.sequence, accepted) for reading, accepted in store.recent()]
        assert found == [("b", 1, True), ("meter-0", 4, True), ("meter-0", 6, True)]
        store.record([], [refused(numbered(5)[0]), refused(numbered(7)[0])])
        found = [(reading.device, reading.sequence, accepted) for reading, accepted in store.recent()]
        assert found == [("b", 1, True), ("meter-0", 6, True), ("meter-0", 7, False)]

    def test_a_batch_is_remembered_until_it_is_finished(self, store: Store) -> None:
        store.record(numbered(0, 1, 2), [])
        assert store.next_batch_number() == 0
        store.begin_batch(0, numbered(0, 1), b"raw transaction")
        assert store.unfinished_batches() == [(0, b"raw transaction", numbered(0, 1))]
        assert store.pending_readings() == numbered(2)
        assert store.next_batch_number() == 1
        store.finish_batch(0, [ReadingResult.ACCEPTED, ReadingResult.ACCEPTED])
        assert store.unfinished_batches() == []
        counts = store.counts()
        assert (counts["on_chain"], counts["pending"], counts["batches"]) == (2, 1, 1)

    def test_readings_handed_in_come_in_the_order_in_which_the_chain_took_them(self, store: Store) -> None:
        store.record(numbered(0, 1, 2, 3), [])
        for number, batch in enumerate((numbered(0, 1), numbered(2, 3))):
            store.begin_batch(number, batch, b"raw")
            store.finish_batch(number, [ReadingResult.ACCEPTED] * 2)
        assert store.handed_in() == [(reading, True) for reading in numbered(0, 1, 2, 3)]

    def test_a_reading_that_the_contract_refused_becomes_a_dead_letter_and_is_not_sent_again(
        self, store: Store
    ) -> None:
        store.record(numbered(0, 1), [])
        store.begin_batch(0, numbered(0, 1), b"raw")
        store.finish_batch(0, [ReadingResult.ACCEPTED, ReadingResult.REGISTER_DECREASED])
        assert store.pending_readings() == []
        (letter,) = store.dead_letters()
        assert letter.reason is RejectionReason.REFUSED_ON_CHAIN
        assert letter.data == numbered(1)[0].signature + numbered(1)[0].payload
        assert "register_decreased" in letter.explanation
        assert store.counts()["on_chain"] == 1

    def test_a_batch_is_written_whole_or_not_at_all(self, store: Store) -> None:
        store.record(numbered(0, 1), [])
        with pytest.raises(StoreError, match="not stored"):
            store.begin_batch(0, numbered(0, 5), b"raw")
        assert store.unfinished_batches() == []
        assert store.pending_readings() == numbered(0, 1)

    def test_no_reading_is_in_two_batches_and_no_number_used_twice(self, store: Store) -> None:
        store.record(numbered(0, 1), [])
        store.begin_batch(0, numbered(0), b"raw")
        with pytest.raises(StoreError):
            store.begin_batch(1, numbered(0), b"raw")
        with pytest.raises(StoreError):
            store.begin_batch(0, numbered(1), b"raw")

    def test_results_must_match_the_batch(self, store: Store) -> None:
        store.record(numbered(0, 1), [])
        store.begin_batch(0, numbered(0, 1), b"raw")
        with pytest.raises(StoreError, match="has 2 readings, but 1 results"):
            store.finish_batch(0, [ReadingResult.ACCEPTED])
        assert len(store.unfinished_batches()) == 1

    def test_a_refused_write_leaves_nothing_behind(self, store: Store) -> None:
        too_large = reading_of(payload(1, import_wh=5))
        object.__setattr__(too_large, "import_wh", 2**70)
        with pytest.raises(StoreError):
            store.record([*numbered(0), too_large], [FORGED])
        counts = store.counts()
        assert (counts["readings"], counts["pending"], counts["dead_letters"], counts["devices"]) == (0, 0, 0, 0)

    def test_a_letter_may_hold_any_text(self, store: Store) -> None:
        store.record([], [Rejection("to\0pic", RejectionReason.MALFORMED, "Object has unknown field `\0ü`", b"\0")])
        (letter,) = store.dead_letters()
        assert (letter.topic, letter.data) == ("to\ufffdpic", b"\0")
