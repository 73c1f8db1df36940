"""Alipay (支付宝): codes and its own page, queries, closing and refunds, signed both ways, and notifications."""
