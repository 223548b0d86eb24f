"""Stand-in for open-iscsi: real sessions over the wire, and no kernel behind them."""
