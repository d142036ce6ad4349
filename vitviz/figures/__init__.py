"""The figure for print: arranged to the millimetre, drawn with matplotlib."""
