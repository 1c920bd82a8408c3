"""The one registry: a plug-in is a module found by its file name and imported when asked for.

File name = registry name = command-line choice = configuration value = test id. Names that begin with an underscore
are not plug-ins.
"""

import importlib
import pkgutil
from functools import cache
from types import ModuleType

from microgrid.domain.errors import UnknownNameError

KINDS = {
    "mechanism": "microgrid.market.mechanisms",
    "tariff": "microgrid.tariffs",
    "forecaster": "microgrid.planning.forecasters",
    "optimiser": "microgrid.planning.optimisers",
    "strategy": "microgrid.planning.strategies",
    "ledger": "microgrid.ledger",
    "backend": "microgrid.chain.backends",
    "device type": "iot_sim.devices",
    "engine": "microgrid.wiring.engines",
    "benchmark": "microgrid.wiring.benchmarks",
}


@cache
def names(kind: str) -> tuple[str, ...]:
    """Names of the plug-ins of a kind, sorted, without importing any of them."""
    package = importlib.import_module(KINDS[kind])
    return tuple(sorted(module.name for module in pkgutil.iter_modules(package.__path__) if module.name[0] != "_"))


def load(kind: str, name: str) -> ModuleType:
    """Import the plug-in `name` of `kind`; hyphens and underscores are the same.

    Raises:
        UnknownNameError: there is none; the error lists the known names.
    """
    module_name = name.replace("-", "_")
    if module_name not in names(kind):
        raise UnknownNameError(kind, name, names(kind))
    return importlib.import_module(f"{KINDS[kind]}.{module_name}")
