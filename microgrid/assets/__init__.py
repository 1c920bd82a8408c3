"""Physics of homes: photovoltaics, household load, meters' registers. Floats in kWh; no I/O and no clock."""
