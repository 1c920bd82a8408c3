"""The words of the field: units, intervals, records, the wire format, interfaces and errors. No I/O, no clock."""
