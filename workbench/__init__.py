"""dora-workbench: honest DORA metrics, and numbers about the stores behind them."""
