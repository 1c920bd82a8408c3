"""Readings: batches at an interval's end or between, with forgeries, replays and impossible energies among them."""

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import rule
from model.agreement import Agreement
from model.chain import HOUR
from model.play import Play
from model.world import DETAIL, DEVICES, HOMES, METERS, RATED_W, SYBILS, homes

from microgrid.chain.bindings.reading_words import pack_numbers, short_signature
from microgrid.domain.records import ReadingResult
from microgrid.domain.wire import SigningDomain, keccak256, registers_digest


class MeterRules(Agreement):
    """What the oracle hands in."""

    # Readings

    @rule(
        data=st.lists(
            st.tuples(
                homes,
                st.sampled_from([0, 1, 500, 2_000, 9_000, 12_000]),
                st.sampled_from([0, 0, 1, 700, 3_000]),
                st.sampled_from(["", "", "", "", "", "again", "key", "chain", "contract", "back", "future", "device"]),
            ),
            min_size=1,
            max_size=6,
        ),
        between=st.sampled_from([False, False, False, True]),
    )
    def readings(self, data: list[tuple[int, int, int, str]], *, between: bool) -> None:
        """A batch, mostly at the last interval's end, with forgeries among it."""
        time_s = self.model.now_s if between else self.current * HOUR
        self._submit([self._reading(*row[:3], row[3], time_s) for row in data])

    @rule(imports=st.lists(st.integers(0, 4_000), min_size=6, max_size=6), export_wh=st.integers(0, 3_000))
    def read_all(self, imports: list[int], export_wh: int, ahead: int = 1) -> None:
        """Every meter at the next interval's end; the first three feed in too."""
        time_s = (self.current + ahead) * HOUR
        self._to(max(time_s, self.model.now_s))
        self._submit(
            [
                self._reading(home, wh, export_wh if home < len(SYBILS) else 0, "", time_s)
                for home, wh in enumerate(imports)
            ]
        )

    @rule(home=homes, excess_wh=st.integers(0, 1), exporting=st.booleans())
    def most_power(self, home: int, excess_wh: int, *, exporting: bool) -> None:
        """Ten per cent above a meter's rated power is the most that it may measure; one Wh more is refused."""
        time_s = (self.current + 1) * HOUR
        self._to(time_s)
        last = self.model.meters[DEVICES[home]].last
        if last is None:
            return
        energy_wh = RATED_W * (time_s - last[1]) * 11 // 36_000 + excess_wh
        energies = (0, energy_wh) if exporting else (energy_wh, 0)
        self._submit([self._reading(home, *energies, "", time_s)])

    def _reading(self, home: int, import_wh: int, export_wh: int, forgery: str, time_s: int) -> tuple[Any, ...]:
        if forgery == "again" and home in self.last_reading:
            return (home, *self.last_reading[home], True, DEVICES[home])
        sequence, _, imported, exported = self.model.meters[DEVICES[home]].last or (0, 0, 100, 100)
        registers = (sequence + 1, time_s, imported + import_wh, exported + export_wh)
        if forgery == "back":
            registers = (sequence + 1, time_s, imported - 1, exported)
        if forgery == "future":
            registers = (sequence + 1, self.model.now_s + 61, imported, exported)
        device = keccak256(b"nobody's") if forgery == "device" else DEVICES[home]
        right = self.chain.reading_domain
        domain = {
            "chain": SigningDomain(right.name, 1, right.contract),
            "contract": SigningDomain(right.name, right.chain_id, self.chain.trading.address),
        }.get(forgery, right)
        signer = METERS[(home + 1) % len(HOMES)] if forgery == "key" else METERS[home]
        signature = signer.sign(registers_digest(device, registers, DETAIL, domain))
        authentic = forgery not in ("key", "chain", "contract")
        if authentic and device == DEVICES[home]:
            self.last_reading[home] = (registers, signature)
        return home, registers, signature, authentic, device

    def _submit(self, batch: list[tuple[Any, ...]]) -> None:
        rows = [
            (device, pack_numbers(*registers), DETAIL, *short_signature(signature))
            for _, registers, signature, _, device in batch
        ]
        number = self.chain.registry.read("nextBatch", self.chain.admin)
        results = self.both(
            "readings",
            lambda: tuple(self.model.read(device, regs, authentic=good) for _, regs, _, good, device in batch),
            lambda: self.chain.registry.send(self.chain.admin, "submitReadings", number, rows),
        )
        Play.outcomes.update(f"reading {ReadingResult(code).name}" for code in results)
