"""TradeWise OTel: documented events from a FastAPI backend that does not change its code.

What an app may import from here is optional; the launcher alone gives the automatic events.
"""

from tradewise_otel.context import bind

__version__ = "0.1.0"
__all__ = ["__version__", "bind"]
