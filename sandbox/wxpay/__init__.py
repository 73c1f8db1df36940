"""WeChat Pay (微信支付) API v3: orders, refunds, bills, signed both ways, and notifications sealed and signed."""
