"""The community as Mesa agents: the simulator's core, with homes whose orders a researcher's own classes decide.

Mesa is optional: `pip install 'microgrid[mesa]'`.
"""

from microgrid.domain.errors import MissingPartError

try:
    import mesa  # noqa: F401 - asked for here, so that its absence has one clear sentence
except ImportError as error:
    part, remedy = "Mesa", "pip install 'microgrid[mesa]' adds it"
    raise MissingPartError(part, remedy) from error

from microgrid.agents.grid import Grid
from microgrid.agents.homes import Consumer, Deal, Home, HomeOrder, Producer
from microgrid.agents.model import CommunityModel

__all__ = ["CommunityModel", "Consumer", "Deal", "Grid", "Home", "HomeOrder", "Producer"]
