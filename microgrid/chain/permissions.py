"""Who may call what: the roles of the access manager and the one table of restricted functions."""

from collections.abc import Mapping
from enum import IntEnum


class Role(IntEnum):
    """Roles of the access manager, by their ids. Id 0 is the manager's own administrator."""

    ADMIN = 0
    OPERATOR = 1
    ORACLE = 2
    MAINTAINER = 3
    METERING = 4
    MINTER = 5
    GUARDIAN = 6
    GOVERNANCE = 7
    ISSUER = 8
    SENSING = 12


# Every restricted function and its role; a test compares this table with the contracts.
PERMISSIONS: Mapping[tuple[str, str], Role] = {
    ("PaymentToken", "mint"): Role.ISSUER,
    ("RewardToken", "mint"): Role.MINTER,
    ("GridBalance", "recordInterval"): Role.METERING,
    ("GridBalance", "openIntervals"): Role.OPERATOR,
    ("GridBalance", "reportGridStress"): Role.ORACLE,
    ("GridBalance", "recordMeasuredStress"): Role.SENSING,
    ("GridBalance", "setTimeOfDayMultiplier"): Role.GOVERNANCE,
    ("GridBalance", "setPriceParameters"): Role.GOVERNANCE,
    ("GridBalance", "setTradingFee"): Role.GOVERNANCE,
    ("DeviceRegistry", "registerMember"): Role.OPERATOR,
    ("DeviceRegistry", "registerDevice"): Role.OPERATOR,
    ("DeviceRegistry", "suspendDevice"): Role.MAINTAINER,
    ("DeviceRegistry", "activateDevice"): Role.MAINTAINER,
    ("DeviceRegistry", "retireDevice"): Role.MAINTAINER,
    ("DeviceRegistry", "rotateKey"): Role.MAINTAINER,
    ("DeviceRegistry", "submitReadings"): Role.ORACLE,
    ("DeviceRegistry", "proveReading"): Role.ORACLE,
    ("DeviceRegistry", "setOracleKeys"): Role.GOVERNANCE,
    ("DeviceRegistry", "replaceDevice"): Role.MAINTAINER,
    ("DeviceRegistry", "raiseAlert"): Role.ORACLE,
    ("DeviceRegistry", "acknowledgeAlert"): Role.MAINTAINER,
    ("DeviceRegistry", "resolveAlert"): Role.MAINTAINER,
    ("EnergyTrading", "setOrderLimits"): Role.GOVERNANCE,
    ("EnergyTrading", "setRegulator"): Role.GOVERNANCE,
    ("EnergyTrading", "setInsuranceShare"): Role.GOVERNANCE,
    ("EnergyTrading", "pause"): Role.GUARDIAN,
    ("EnergyTrading", "unpause"): Role.GOVERNANCE,
    ("RewardSystem", "setRewardRates"): Role.GOVERNANCE,
    ("GridMonitor", "setLimits"): Role.GOVERNANCE,
    ("EmergencyControl", "reportSeverity"): Role.ORACLE,
    ("EmergencyControl", "declare"): Role.GUARDIAN,
    ("EmergencyControl", "standDown"): Role.OPERATOR,
    ("EmergencyControl", "setShedding"): Role.OPERATOR,
    ("EmergencyControl", "setPriority"): Role.OPERATOR,
    ("EmergencyControl", "setRules"): Role.GOVERNANCE,
    ("DemandResponse", "announce"): Role.OPERATOR,
    ("DemandResponse", "dispatch"): Role.OPERATOR,
    ("DemandResponse", "cancel"): Role.OPERATOR,
    ("RewardSystem", "setIncentiveRates"): Role.GOVERNANCE,
    ("RewardSystem", "setEpochBudget"): Role.GOVERNANCE,
    ("RewardSystem", "creditStability"): Role.ORACLE,
    ("Regulator", "ban"): Role.MAINTAINER,
    ("Regulator", "lift"): Role.GOVERNANCE,
    ("Regulator", "setTerms"): Role.GOVERNANCE,
}
