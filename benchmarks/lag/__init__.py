"""How far the Prefect server's record of task runs stays behind them, at the pace that Kie allows."""
