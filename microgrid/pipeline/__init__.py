"""The order of the stages: what comes in, what is checked, stored, sent on and paid."""
