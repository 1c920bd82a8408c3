"""What every chain backend does; a test class inherits this and has a fixture `backend` that starts before START_S."""

import pytest
from village import FIRST, START_S, Village, open_market

from microgrid.chain.backend import Backend, dev_key
from microgrid.chain.reverts import named
from microgrid.chain.transactor import MAX_TRANSACTION_GAS
from microgrid.domain.errors import ContractRevertError
from microgrid.domain.records import GasUse, OrderResult, ReadingResult, Side
from microgrid.domain.wire import keccak256


class ChainBackendBehaviour:
    def test_the_node_answers_with_the_backends_chain_id(self, backend: Backend) -> None:
        assert backend.web3.eth.chain_id == backend.chain_id == 31_337

    def test_the_funded_account_has_gas_money(self, backend: Backend) -> None:
        key = backend.funded_key()
        assert key.address == dev_key(0).address == "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
        assert backend.web3.eth.get_balance(backend.web3.to_checksum_address(key.address)) >= 10**18

    def test_time_reaches_what_is_asked_and_never_runs_back(self, backend: Backend) -> None:
        assert backend.now_s() < START_S
        backend.advance_to(START_S)
        assert backend.now_s() == START_S
        backend.advance_to(START_S - 100)
        assert START_S <= backend.now_s() < START_S + 60

    def test_opcodes_of_cancun_are_there(self, backend: Backend) -> None:
        """PUSH1 7, PUSH0, TSTORE, PUSH0, TLOAD, returned as a word (EIP-1153, EIP-3855)."""
        code = "0x60075f5d5f5c5f5260205ff3"
        assert int.from_bytes(backend.web3.eth.call({"data": code})) == 7  # type: ignore[typeddict-item]

    def test_a_contracts_error_arrives_by_name_with_its_values(self, backend: Backend) -> None:
        market = open_market(backend)
        home = dev_key(1).address
        market.registry.register_member(home)
        with pytest.raises(named("MemberAlreadyRegistered")) as caught:
            market.registry.register_member(home)
        assert caught.value.values == {"account": home}
        words = r"^IntervalNotOpen\(interval=7\): the interval's tariff is not published$"
        with pytest.raises(ContractRevertError, match=words):
            market.trading.tick_price(7, 0)

    def test_an_interval_runs_from_order_to_bill(self, backend: Backend) -> None:
        village = Village(open_market(backend))
        village.open()
        market, (buyer, seller) = village.market, (home.address for home in village.homes)
        assert village.order(0, Side.BUY, 1_000, 250_000) is OrderResult.ACCEPTED
        assert village.order(1, Side.SELL, 1_000, 60_000) is OrderResult.ACCEPTED
        market.advance_to(START_S)
        auction = market.clear(FIRST)
        assert (auction.volume_wh, dict(auction.bought_wh), dict(auction.sold_wh)) == (
            1_000,
            {buyer: 1_000},
            {seller: 1_000},
        )
        assert village.read(START_S) == [ReadingResult.ACCEPTED] * 2
        village.import_wh[0], village.export_wh[1] = 1_000, 1_000
        market.advance_to(START_S + 3_600)
        assert village.read(START_S + 3_600) == [ReadingResult.ACCEPTED] * 2
        settlement = market.settle(FIRST)
        price = auction.price_micro_per_kwh
        assert {s.account: s.amount_micro for s in settlement.statements} == {buyer: -price - 1_000, seller: price}
        assert (settlement.money.fees_micro, settlement.money.grid_micro, settlement.money.dust_micro) == (1_000, 0, 0)
        assert sum(market.balances().values()) == 150_000_000

    def test_every_transaction_is_accounted_with_its_gas(self, backend: Backend) -> None:
        market = open_market(backend)
        market.register_home(dev_key(1).address)
        (use,) = market.gas_used
        receipt = backend.web3.eth.get_block("latest", full_transactions=False)
        assert use == GasUse("registerMember", receipt["gasUsed"], 1)
        assert 21_000 < use.gas < MAX_TRANSACTION_GAS

    def test_a_transaction_has_the_hash_of_its_bytes(self, backend: Backend) -> None:
        market = open_market(backend)
        raw = market.prepare_readings(0, [])
        market.send_readings(raw)
        assert bytes(backend.web3.eth.get_block("latest")["transactions"][0]) == keccak256(raw)  # type: ignore[arg-type]
