"""Discrete codes between generator and reconstructor, all behind one contract (`Bottleneck`)."""
