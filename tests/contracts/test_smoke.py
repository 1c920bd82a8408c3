import sys; sys.path.insert(0,"/work/main/tests/contracts"); from conftest import *
def test_flow(world):
    h=world.homes
    world.order(h[0],BUY,1000,250_000); world.order(h[1],SELL,1500,100_000)
    world.clear(); print(world.trading.functions.clearing(FIRST).call())
    world.meter(FIRST,[(1000,0),(0,1500),(500,0),(0,0)])
    r=world.settle(); print(r['gasUsed']); 
    for e in world.events(r,world.trading,'HomeSettled'): print(e)
    for e in world.events(r,world.trading,'IntervalSettled'): print(e)
    b=world.balances(); print(b, sum(b.values()), world.trading.functions.totalLiabilities().call(), world.money.functions.balanceOf(world.trading.address).call())
    with reverts(world.trading,"AlreadySettled",FIRST): world.settle()
