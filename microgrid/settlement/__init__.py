"""From a clearing and meter readings to bills: exact integers for the market, floats for studies of communities."""
